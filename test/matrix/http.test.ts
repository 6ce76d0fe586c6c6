import { matrix } from './matrix';

matrix('`http`, `https`');
