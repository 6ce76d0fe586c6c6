// Each phase two events of the request's span: no spans of our own.
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
    new HttpTraceInstrumentation({ mode: 'events' }),
  ],
});

// Where this line stands, not at the top: instrumentation-http sees programs that require http after it.
import requests = require('./local/two-requests');

requests.coldAndReused().then(() => {
  for (const span of exporter.getFinishedSpans()) {
    console.log(`${span.name} ${span.attributes['url.full']}`);
    for (const { name, time, attributes } of span.events) {
      const after = (time[0] - span.startTime[0]) * 1e3 + (time[1] - span.startTime[1]) / 1e6;
      console.log(`  ${after.toFixed(3)} ms  ${name}`, attributes);
    }
  }
});
