import assert from 'node:assert/strict';
import http from 'node:http';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type Context, SpanKind } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation } from '../src';
import { RoundTrip } from '../src/probes/roundtrip';
import { send } from './support/client';
import { childrenOf, clientSpans, exporter, registerHttpInstrumentation, registerSdk } from './support/otel';
import { serve, type TestServer } from './support/servers';

let outgoing = 0;
let sampleEvery = 10;
registerSdk({
  shouldSample: (_ctx: Context, _traceId: string, _name: string, kind: SpanKind) => {
    if (kind === SpanKind.CLIENT) outgoing++;
    const sampled = kind !== SpanKind.SERVER && (kind !== SpanKind.CLIENT || outgoing % sampleEvery === 0);
    return { decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
  },
  toString: () => 'one in ten',
});
const ours = new HttpTraceInstrumentation();
registerHttpInstrumentation();

let server: TestServer;
before(async () => {
  server = await serve((_req, res) => res.end('hello'));
});
after(() => server.close());

test('one in ten sampled: it tells the truth about what the other nine did to the connection', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times = [{ begun: 0, over: 0 }];
  for (let i = 1; i <= 40; i++) {
    await new Promise((resolve) => setTimeout(resolve, 3));
    const begun = performance.now();
    await send(new URL(`/${i}`, server.origin), { agent });
    times.push({ begun, over: performance.now() });
  }
  await new Promise((resolve) => setImmediate(resolve));
  agent.destroy();
  const spans = clientSpans();
  assert.equal(spans.length, 4);
  assert.deepEqual(
    spans.map((span) => span.attributes['http.conn.request_count']),
    [10, 20, 30, 40],
  );
  for (const [i, span] of spans.entries()) {
    assert.equal(span.attributes['http.conn.reused'], true);
    assert.equal(span.attributes['http.conn.wasidle'], true);
    const idle = Number(span.attributes['http.conn.idle_time']) * 1000;
    // Since the unsampled request before it, not since the sampled one ten requests ago.
    const [before, sampled] = times.slice(10 * (i + 1) - 1);
    const longest = Number(sampled?.over) - Number(before?.begun);
    assert.ok(idle > 0 && idle <= longest, `idle ${idle} of at most ${longest}`);
    assert.equal(span.attributes['http.conn.id'], spans[0]?.attributes['http.conn.id']);
    assert.deepEqual(
      childrenOf(span).map(({ name }) => name),
      ['http.wait', 'http.receive'],
    );
    // Nobody traced the request that opened it.
    assert.deepEqual(childrenOf(span)[0]?.links, []);
  }
});

test('an unsampled request has no round trip and no listener of ours', async () => {
  sampleEvery = Number.MAX_SAFE_INTEGER;
  exporter.reset();
  const listeners = async () => {
    const counts: unknown[] = [];
    const agent = new http.Agent({ keepAlive: true });
    const look = (req: http.ClientRequest, socket: Socket) => {
      for (const emitter of [req, socket])
        counts.push(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]));
      assert.equal(RoundTrip.of(req), undefined);
    };
    for (let i = 0; i < 2; i++)
      await send(new URL('/', server.origin), {
        agent,
        onRequest: (req) => {
          req.on('socket', (socket) => {
            look(req, socket);
            socket.on('connect', () => look(req, socket));
          });
          req.on('finish', () => req.socket && look(req, req.socket));
          req.end();
        },
        onResponse: (_res, req) => req.socket && look(req, req.socket),
      });
    agent.destroy();
    return counts;
  };
  const traced = await listeners();
  ours.disable();
  assert.deepEqual(traced, await listeners());
  ours.enable();
  assert.ok(traced.length >= 8);
});
