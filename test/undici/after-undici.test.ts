import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { HttpTraceInstrumentation } from '../../src';
import { undiciTests } from './suite';

new UndiciInstrumentation();
new HttpTraceInstrumentation();
undiciTests(true);
