import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { HttpTraceInstrumentation } from '../../src';
import { undiciTests } from './suite';

new HttpTraceInstrumentation();
new UndiciInstrumentation();
undiciTests(true);
