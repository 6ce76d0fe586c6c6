// Each phase one attribute of the request's span: its duration in seconds.
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    new HttpTraceInstrumentation({ mode: 'attributes' }),
  ],
});

// Where this line stands, not at the top: instrumentation-http sees programs that require http after it.
import requests = require('./local/two-requests');

requests.coldAndReused().then(() => {
  for (const { name, attributes } of exporter.getFinishedSpans()) console.log(name, attributes);
});
