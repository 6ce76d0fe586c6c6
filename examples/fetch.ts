// The same for fetch, whose spans are never active: the processor finds them.
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from 'opentelemetry-instrumentation-httptrace';
import { serve } from './local/server';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new TracerProvider({
    spanProcessors: [new HttpTraceSpanProcessor(new SimpleSpanProcessor({ exporter }))],
  }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
registerInstrumentations({
  instrumentations: [new UndiciInstrumentation(), new HttpTraceInstrumentation()],
});

function print(span: ReadableSpan, indent = ''): void {
  const name = `${indent}${span.name}`;
  const [seconds, nanos] = span.duration;
  console.log(name.padEnd(20), `${(seconds * 1e3 + nanos / 1e6).toFixed(3)} ms`);
  for (const child of exporter.getFinishedSpans())
    if (child.parentSpanContext?.spanId === span.spanContext().spanId) print(child, `${indent}  `);
}

async function main(): Promise<void> {
  const server = await serve('http:', (_req, res) => res.end('hello\n'));
  for (const path of ['/cold', '/reused']) {
    await (await fetch(server.origin + path)).text();
    // fetch takes a connection back only in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await server.close();
  for (const span of exporter.getFinishedSpans()) {
    if (span.parentSpanContext !== undefined) continue;
    print(span);
    console.log(span.attributes);
  }
}

void main();
