import { matrix } from './matrix';

matrix('`http2`');
