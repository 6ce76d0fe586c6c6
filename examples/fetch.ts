// The same for fetch, whose spans are never active: the processor finds them.
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from 'opentelemetry-instrumentation-httptrace';
import { serve } from './local/server';
import { printTrees } from './local/tree';

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

async function main(): Promise<void> {
  const server = await serve('http:', (_req, res) => res.end('hello\n'));
  for (const path of ['/cold', '/reused']) {
    await (await fetch(server.origin + path)).text();
    // fetch takes a connection back only in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await server.close();
  printTrees(exporter);
}

void main();
