import { HttpTraceInstrumentation } from '../../src';
import { registerHttpInstrumentation, registerSdk } from '../support/otel';
import { treeTests } from './suite';

registerSdk();
new HttpTraceInstrumentation();
registerHttpInstrumentation();
treeTests();
