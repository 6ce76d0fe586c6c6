import { checkOtlp } from './otlp';
import { apmTest } from './suite';

// npm gives Node 20 the newest version of 2.x, and Node 24 that of 3.x.
apmTest('node-sdk', '@opentelemetry/sdk-node', ['20', '24'], checkOtlp);
