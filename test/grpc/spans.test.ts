import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation } from '../../src';
import { childOf, childrenOf, exporter, registerSdk } from '../support/otel';
import type { Service } from './service';

const provider = registerSdk();
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
new GrpcInstrumentation();
new HttpTraceInstrumentation();
// After its instrumentation, which must see it being loaded.
const { echo, repeat, serveEcho } = require('./service') as typeof import('./service');

let service: Service;
before(async () => {
  service = await serveEcho();
});
beforeEach(() => exporter.reset());
after(() => service.close());

/** The spans of calls, in the order in which they were made. */
function calls() {
  return exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
}

/** What is ours below a call: its server's span is there as well. */
function phases(span: ReadableSpan): ReadableSpan[] {
  return childrenOf(span).filter(({ name }) => name.startsWith('http.'));
}

function names(spans: ReadableSpan[]): string[] {
  return spans.map(({ name }) => name);
}

/** Phases are written when a stream is over, which may be a little later than its call. */
async function written(count: number): Promise<void> {
  const receives = () => exporter.getFinishedSpans().filter(({ name }) => name === 'http.receive').length;
  for (let i = 0; i < 1000 && receives() < count; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(receives(), count);
}

test('a unary call shows its phases, the connection’s among them; the next one, and a server stream, show reuse', async () => {
  const client = service.client();
  await echo(client, 'first');
  await echo(client, 'second');
  await repeat(client, 'third');
  await written(3);
  const [first, second, third] = calls();
  assert.ok(first && second && third);
  assert.deepEqual(names(phases(first)), ['http.getconn', 'http.send', 'http.wait', 'http.receive']);
  assert.deepEqual(names(childrenOf(childOf(first, 'http.getconn'))), ['http.connect']);
  assert.equal(first.attributes['http.conn.reused'], false);
  assert.equal(childOf(first, 'http.getconn').attributes['server.port'], service.port);
  for (const reused of [second, third]) {
    assert.deepEqual(names(phases(reused)), ['http.send', 'http.wait', 'http.receive']);
    assert.equal(reused.attributes['http.conn.reused'], true);
    assert.equal(reused.attributes['http.conn.id'], first.attributes['http.conn.id']);
  }
});

test('calls that are queued while their channel connects have their own phases each', async () => {
  const client = service.client();
  const tracer = provider.getTracer('test');
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const parent = tracer.startSpan(`parent${i}`);
      await context.with(trace.setSpan(context.active(), parent), () => echo(client, `call${i}`));
      parent.end();
    }),
  );
  await written(20);
  assert.equal(calls().length, 20);
  let dials = 0;
  for (const call of calls()) {
    const own = phases(call);
    assert.deepEqual(names(own), ['http.getconn', 'http.send', 'http.wait', 'http.receive']);
    dials += names(own.flatMap(childrenOf)).filter((name) => name === 'http.connect').length;
  }
  assert.equal(dials, 1);
});
