// Streams of an http2 session: no instrumentation makes spans for them, so each is made in a span of our own.
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';
import { certificate } from './local/server';
import { printTrees } from './local/tree';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
new HttpTraceInstrumentation();

async function get(session: http2.ClientHttp2Session, path: string): Promise<string> {
  const span = trace.getTracer('example').startSpan('GET', { kind: SpanKind.CLIENT });
  const stream = context.with(trace.setSpan(context.active(), span), () =>
    session.request({ ':path': path }),
  );
  try {
    return await text(stream);
  } finally {
    span.end();
  }
}

async function main(): Promise<void> {
  const made = await certificate();
  const server = http2.createSecureServer(made, (_req, res) => res.end('hello\n')).listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const session = http2.connect(`https://localhost:${port}`, { ca: made.cert });
  await get(session, '/first');
  await get(session, '/second');
  session.close();
  server.close();

  printTrees(exporter);
}

main();
