import { matrix } from './matrix';

matrix('`fetch`, undici');
