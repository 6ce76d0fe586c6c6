// Each phase a child span of the request's span.
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from 'opentelemetry-instrumentation-httptrace';
import { printTrees } from './local/tree';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new TracerProvider({
    spanProcessors: [new HttpTraceSpanProcessor(new SimpleSpanProcessor({ exporter }))],
  }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    new HttpTraceInstrumentation({ mode: 'spans' }),
  ],
});

// Where this line stands, not at the top: instrumentation-http sees programs that require http after it.
import requests = require('./local/two-requests');

requests.coldAndReused().then(() => printTrees(exporter));
