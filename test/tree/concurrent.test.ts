import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { context, trace } from '@opentelemetry/api';
import { HttpTraceInstrumentation } from '../../src';
import { send } from '../support/client';
import {
  childrenOf,
  clientSpans,
  exporter,
  nanos,
  registerHttpInstrumentation,
  registerSdk,
  written,
} from '../support/otel';
import { serve, type TestServer } from '../support/servers';

const provider = registerSdk();
registerHttpInstrumentation();
new HttpTraceInstrumentation();

let server: TestServer;
before(async () => {
  server = await serve((_req, res) => void setTimeout(() => res.end('x'.repeat(5_000)), 2));
});
after(() => server.close());

/** Requests each made under a parent span of its own. */
async function requests(count: number, agent: http.Agent, name: string): Promise<void> {
  const tracer = provider.getTracer('test');
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const parent = tracer.startSpan(`${name}${i}`);
      await context.with(trace.setSpan(context.active(), parent), () =>
        send(new URL(`/${name}${i}/`, server.origin), { agent }),
      );
      parent.end();
    }),
  );
  for (let i = 0; i < count; i++) await written(`/${name}${i}/`);
}

test('50 concurrent requests over 5 sockets: phases, parents and connections are what the server saw', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
  await requests(50, agent, 'many');
  agent.destroy();
  assert.equal(server.connections, 5);

  const spans = clientSpans();
  const dialled = spans.filter((span) => span.attributes['http.conn.reused'] === false);
  assert.equal(dialled.length, 5);
  assert.equal(spans.filter((span) => span.attributes['http.conn.reused'] === true).length, 45);

  const ports = new Map<unknown, number>();
  for (const span of dialled) {
    const [getConn] = childrenOf(span);
    assert.deepEqual(getConn && childrenOf(getConn).map(({ name }) => name), ['http.dns', 'http.connect']);
    ports.set(span.attributes['http.conn.id'], Number(getConn?.attributes['network.local.port']));
  }
  for (const span of spans) {
    const path = new URL(String(span.attributes['url.full'])).pathname;
    const parent = exporter.getFinishedSpans().find(({ name }) => name === path.slice(1, -1));
    assert.equal(span.parentSpanContext?.spanId, parent?.spanContext().spanId);
    assert.equal(ports.get(span.attributes['http.conn.id']), server.remotePorts.get(path), path);
    const names = childrenOf(span).map(({ name }) => name);
    assert.deepEqual(names, ['http.getconn', 'http.wait', 'http.receive'], path);
    for (const child of childrenOf(span))
      assert.equal(child.spanContext().traceId, parent?.spanContext().traceId);
  }
  const counts = spans.map((span) => Number(span.attributes['http.conn.request_count']));
  assert.equal(counts.filter((count) => count === 1).length, 5);
});

test('in 1,000 requests no child starts before its parent or ends after it', async () => {
  exporter.reset();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  for (let round = 0; round < 10; round++) await requests(100, agent, `round${round}-`);
  agent.destroy();
  const spans = clientSpans();
  assert.equal(spans.length, 1000);
  let children = 0;
  const check = (parent: (typeof spans)[number]) => {
    for (const child of childrenOf(parent)) {
      children++;
      assert.ok(
        nanos(child.startTime) >= nanos(parent.startTime),
        `${child.name} starts before ${parent.name}`,
      );
      assert.ok(nanos(child.endTime) <= nanos(parent.endTime), `${child.name} ends after ${parent.name}`);
      check(child);
    }
  };
  for (const span of spans) check(span);
  assert.ok(children > 2000);
});
