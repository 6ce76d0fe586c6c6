import { HttpTraceInstrumentation } from '../../src';
import { undiciTests } from './suite';

new HttpTraceInstrumentation();
undiciTests(false);
