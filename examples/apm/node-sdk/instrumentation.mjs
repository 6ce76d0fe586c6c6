import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';

const sdk = new NodeSDK({
  instrumentations: [new HttpInstrumentation(), new HttpTraceInstrumentation()],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown());
