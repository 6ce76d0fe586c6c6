import assert from 'node:assert/strict';
import http from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { context, createContextKey, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, type HttpTraceInstrumentationConfig, type RequestInfo } from '../../src';
import { send } from '../support/client';
import { collectDiag } from '../support/diag';
import { lookupOf } from '../support/dns';
import { childrenOf, exporter, milliseconds, nanos, registerSdk, tree } from '../support/otel';
import { Recorder } from '../support/recorder';
import { closedPort, serve, type TestServer } from '../support/servers';

const provider = registerSdk();
const messages = collectDiag();
const ours = new HttpTraceInstrumentation();
let server: TestServer;
let agent: http.Agent;

before(async () => {
  server = await serve((req, res) => {
    if (req.url === '/hints') res.writeEarlyHints({ link: '</a>; rel=preload' });
    setTimeout(() => res.end('hello'), 15);
  });
});
after(() => server.close());
beforeEach(() => {
  exporter.reset();
  messages.length = 0;
  agent = new http.Agent({ keepAlive: true });
});
afterEach(() => agent.destroy());

/** One request under a span of the application's own, which stands for the request's span. */
async function get(config: HttpTraceInstrumentationConfig, path = '/', options = {}): Promise<ReadableSpan> {
  ours.setConfig(config);
  const span = provider.getTracer('test').startSpan('parent');
  const ctx = trace.setSpan(context.active(), span);
  await context.with(ctx, () => send(new URL(path, server.origin), { agent, ...options }));
  await new Promise((resolve) => setImmediate(resolve));
  span.end();
  const found = exporter.getFinishedSpans().find(({ name }) => name === 'parent');
  assert.ok(found);
  return found;
}

const CONN = {
  'http.conn.reused': false,
  'http.conn.wasidle': false,
  'http.conn.request_count': 1,
};

function connFacts({ attributes }: ReadableSpan) {
  return Object.fromEntries(Object.keys(CONN).map((key) => [key, attributes[key]]));
}

test('events: each phase two events of the request span, in the order of their times', async () => {
  const span = await get({ mode: 'events' }, '/hints');
  assert.equal(tree(span), 'parent');
  assert.deepEqual(
    span.events.map(({ name }) => name),
    [
      'http.getconn.start',
      'http.dns.start',
      'http.dns.done',
      'http.connect.start',
      'http.connect.done',
      'http.getconn.done',
      'http.wrote_headers',
      'http.wait.start',
      'http.wait.done',
      'http.got_1xx',
      'http.receive.start',
      'http.receive.done',
      'http.put_idle_conn',
    ],
  );
  const times = span.events.filter(({ name }) => name !== 'http.got_1xx').map(({ time }) => nanos(time));
  assert.deepEqual(
    times,
    [...times].sort((a, b) => Number(a - b)),
  );
  assert.deepEqual(connFacts(span), CONN);
  const attributes = (name: string) => span.events.find((event) => event.name === name)?.attributes;
  assert.equal(attributes('http.dns.done')?.['dns.question.name'], 'localhost');
  assert.equal(attributes('http.connect.done')?.['network.peer.address'], '127.0.0.1');
  assert.equal(attributes('http.got_1xx')?.['http.response.status_code'], 103);
});

test('events: a phase that fails says so', async () => {
  const port = await closedPort();
  const span = await get({ mode: 'events' }, `http://127.0.0.1:${port}/`);
  const failed = span.events.filter(({ attributes }) => attributes?.['error.type'] === 'ECONNREFUSED');
  assert.deepEqual(
    failed.map(({ name }) => name),
    ['http.connect.done', 'http.getconn.done'],
  );
});

test('attributes: each phase a duration in seconds', async () => {
  const span = await get({ mode: 'attributes' });
  assert.equal(tree(span), 'parent');
  assert.deepEqual(span.events, []);
  const durations = Object.keys(span.attributes).filter((key) => key.endsWith('.duration'));
  assert.deepEqual(durations.sort(), [
    'http.connect.duration',
    'http.dns.duration',
    'http.getconn.duration',
    'http.receive.duration',
    'http.wait.duration',
  ]);
  assert.ok(Number(span.attributes['http.wait.duration']) >= 0.01);
  assert.deepEqual(connFacts(span), CONN);
});

test('off: hooks only', async () => {
  const recorder = new Recorder();
  const span = await get({ mode: 'off', clientTrace: () => recorder.trace });
  recorder.assertInvariants();
  assert.equal(tree(span), 'parent');
  assert.deepEqual(span.attributes, {});
});

test('clientTrace: hooks for every request, told where it goes', async () => {
  const infos: RequestInfo[] = [];
  const span = await get({
    clientTrace: (info) => {
      infos.push(info);
      return undefined;
    },
  });
  assert.deepEqual(infos, [{ hostPort: `localhost:${server.port}`, protocol: 'http:', transport: 'http' }]);
  assert.match(tree(span), /http.getconn/);
});

test('clientTrace that throws, or returns no trace: reported once, phases are written all the same', async () => {
  const bad = [
    () => {
      throw new Error('boom');
    },
    () => ({ gotConn: 5 }) as never,
  ];
  for (const clientTrace of bad) {
    messages.length = 0;
    assert.match(tree(await get({ clientTrace })), /http.wait/);
    assert.equal(messages.filter(({ level }) => level === 'error').length, 1);
    exporter.reset();
  }
});

test('ignoreRequest: neither phases nor hooks; an exception counts as no', async () => {
  const recorder = new Recorder();
  const config = { ignoreRequest: () => true, clientTrace: () => recorder.trace };
  assert.equal(tree(await get(config)), 'parent');
  assert.deepEqual(recorder.calls, []);
  exporter.reset();
  const thrown = await get({
    ignoreRequest: () => {
      throw new Error('boom');
    },
  });
  assert.match(tree(thrown), /http.wait/);
  assert.equal(messages.filter(({ level }) => level === 'error').length, 1);
});

test('minDuration: shorter phases are not written', async () => {
  assert.equal(tree(await get({ minDuration: 10_000 })), 'parent');
  exporter.reset();
  const span = await get({ minDuration: 10 });
  assert.match(tree(span), /http.wait/);
  for (const child of childrenOf(span)) assert.ok(milliseconds(child) >= 10, child.name);
});

test('minDuration: a phase that failed is written however short it was', async () => {
  const port = await closedPort();
  const span = await get({ minDuration: 10_000 }, `http://127.0.0.1:${port}/`);
  assert.equal(tree(span), 'parent > { http.getconn > { http.connect } }');
});

test('slowerThan: phases of slow and of failed requests only; the facts of the connection always', async () => {
  const fast = await get({ slowerThan: 10_000 });
  assert.equal(tree(fast), 'parent');
  assert.deepEqual(connFacts(fast), CONN);
  exporter.reset();
  assert.match(tree(await get({ slowerThan: 10 })), /http.wait/);
  exporter.reset();
  const port = await closedPort();
  assert.match(tree(await get({ slowerThan: 10_000 }, `http://127.0.0.1:${port}/`)), /http.connect/);
});

test('headers: what is listed is recorded, credentials never, nothing by default', async () => {
  const headers = { 'X-Id': ['a', 'b'], Authorization: 'Bearer secret', Cookie: 'secret', 'X-Other': 'c' };
  const listed = await get({ headers: ['X-ID', 'authorization', 'Cookie'] }, '/', { headers });
  assert.deepEqual(listed.attributes['http.request.header.x-id'], ['a', 'b']);
  assert.deepEqual(listed.attributes['http.request.header.authorization'], ['REDACTED']);
  assert.deepEqual(listed.attributes['http.request.header.cookie'], ['REDACTED']);
  assert.equal(listed.attributes['http.request.header.x-other'], undefined);
  assert.doesNotMatch(JSON.stringify(listed.attributes), /secret/);
  exporter.reset();
  const none = await get({}, '/', { headers });
  assert.deepEqual(
    Object.keys(none.attributes).filter((key) => key.includes('header')),
    [],
  );
});

test('without a span, under a span that does not record, and with tracing suppressed: no phases, but hooks', async () => {
  const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
  const tracer = provider.getTracer('test');
  const span = tracer.startSpan('parent');
  const ended = tracer.startSpan('ended');
  ended.end();
  for (const ctx of [
    context.active(),
    trace.setSpan(context.active(), ended),
    trace.setSpan(context.active(), trace.wrapSpanContext(span.spanContext())),
    trace.setSpan(context.active(), span).setValue(suppressed, true),
  ]) {
    const recorder = new Recorder();
    ours.setConfig({ clientTrace: () => recorder.trace });
    await context.with(ctx, () => send(new URL('/', server.origin), { agent }));
    await recorder.done;
    recorder.assertInvariants();
  }
  span.end();
  assert.deepEqual(
    exporter.getFinishedSpans().map(({ name }) => name),
    ['ended', 'parent'],
  );
  assert.deepEqual(exporter.getFinishedSpans().at(-1)?.attributes, {}, 'nothing was written to it either');
});

test('an address that refuses before another one answers has its error.type, and fails nothing', async () => {
  const parent = await get({}, '/', {
    hostname: 'two.test',
    port: server.port,
    lookup: lookupOf('127.0.0.2', '127.0.0.1'),
  });
  const [getConn] = childrenOf(parent);
  assert.ok(getConn);
  assert.deepEqual(
    [getConn, ...childrenOf(getConn)].map(({ name, status, attributes }) => [
      name,
      status.code,
      attributes['error.type'],
    ]),
    [
      ['http.getconn', SpanStatusCode.UNSET, undefined],
      ['http.dns', SpanStatusCode.UNSET, undefined],
      ['http.connect', SpanStatusCode.UNSET, 'ECONNREFUSED'],
      ['http.connect', SpanStatusCode.UNSET, undefined],
    ],
  );
});

test('the children of an old parent are placed where they happened', async () => {
  ours.setConfig({});
  const span = provider.getTracer('test').startSpan('old');
  const begun = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const age = performance.now() - begun;
  const ctx = trace.setSpan(context.active(), span);
  await context.with(ctx, () => send(new URL('/', server.origin), { agent }));
  await new Promise((resolve) => setImmediate(resolve));
  span.end();
  const parent = exporter.getFinishedSpans().find(({ name }) => name === 'old');
  assert.ok(parent);
  for (const child of childrenOf(parent)) {
    assert.ok(Number(nanos(child.startTime) - nanos(parent.startTime)) / 1e6 >= age);
    assert.ok(nanos(child.endTime) <= nanos(parent.endTime));
  }
});
