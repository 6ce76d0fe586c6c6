// Each phase a child span of the request's span.
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from 'opentelemetry-instrumentation-httptrace';

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

function print(span: ReadableSpan, indent = ''): void {
  const name = `${indent}${span.name}`;
  const [seconds, nanos] = span.duration;
  console.log(name.padEnd(20), `${(seconds * 1e3 + nanos / 1e6).toFixed(3)} ms`);
  for (const child of exporter.getFinishedSpans())
    if (child.parentSpanContext?.spanId === span.spanContext().spanId) print(child, `${indent}  `);
}

requests.coldAndReused().then(() => {
  for (const span of exporter.getFinishedSpans()) {
    if (span.parentSpanContext !== undefined) continue;
    print(span);
    console.log(span.attributes);
  }
});
