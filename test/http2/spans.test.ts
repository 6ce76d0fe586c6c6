import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, afterEach, before, test } from 'node:test';
import { context, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { HttpTraceInstrumentation } from '../../src';
import { send, serveHttp2 } from '../support/http2';
import { answer, connected } from '../support/http2stage';
import { childOf, childrenOf, exporter, nanos, registerSdk, tree } from '../support/otel';
import { closedPort, type TestServer } from '../support/servers';

const provider = registerSdk();
const tracer = provider.getTracer('test');
const instrumentation = new HttpTraceInstrumentation();
let server: TestServer;
const sessions: http2.ClientHttp2Session[] = [];

before(async () => {
  server = await serveHttp2((stream) => void setImmediate(answer, stream), { tls: true });
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
  exporter.reset();
  instrumentation.setConfig({});
});
after(() => server.close());

function connect(): http2.ClientHttp2Session {
  const session = http2.connect(server.origin, { ca: server.ca });
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

/** Runs something in a span of its own, which ends with it; returns it as exported. */
async function within(name: string, run: (span: Span) => Promise<unknown>) {
  const span = tracer.startSpan(name);
  await context.with(trace.setSpan(context.active(), span), () => run(span));
  span.end();
  return exported(name);
}

function exported(name: string) {
  const found = exporter.getFinishedSpans().find((span) => span.name === name);
  assert.ok(found, name);
  return found;
}

test('a first stream and a second one, as spans', async () => {
  const first = await within('first', () => send(connect(), '/1'));
  assert.equal(
    tree(first),
    'first > { http.getconn > { http.dns, http.connect, http.tls }, http.wait, http.receive }',
  );
  const getConn = childOf(first, 'http.getconn');
  assert.equal(getConn.attributes['server.address'], 'localhost');
  assert.equal(getConn.attributes['server.port'], server.port);
  assert.equal(getConn.attributes['network.peer.port'], server.port);
  assert.equal(childOf(getConn, 'http.tls').attributes['tls.next_protocol'], 'h2');
  assert.equal(first.attributes['http.conn.reused'], false);

  const second = await within('second', () => send(sessions[0] ?? connect(), '/2'));
  assert.equal(tree(second), 'second > { http.wait, http.receive }');
  assert.equal(second.attributes['http.conn.reused'], true);
  assert.equal(second.attributes['http.conn.wasidle'], true);
  assert.equal(typeof second.attributes['http.conn.idle_time'], 'number');
  assert.equal(second.attributes['http.conn.id'], first.attributes['http.conn.id']);
  assert.equal(second.attributes['http.conn.request_count'], 2);
  assert.equal(
    childrenOf(second)[0]?.links[0]?.context.spanId,
    getConn.spanContext().spanId,
    'a link to the span that opened the connection',
  );
});

test('a body shows http.send', async () => {
  const post = await within('post', () =>
    send(connect(), '/', { headers: { ':method': 'POST' }, body: 'hello' }),
  );
  assert.match(tree(post), /http\.getconn > \{.*\}, http\.send, http\.wait, http\.receive \}$/);
});

test('a session connected for the request, but before it was made: http.getconn begins with its dial', async () => {
  const span = await within('call', async () => send(await connected(connect()), '/'));
  assert.equal(
    tree(span),
    'call > { http.getconn > { http.dns, http.connect, http.tls }, http.wait, http.receive }',
  );
  const getConn = childOf(span, 'http.getconn');
  assert.deepEqual(getConn.startTime, childrenOf(getConn)[0]?.startTime);
  assert.ok(nanos(getConn.startTime) >= nanos(span.startTime));
});

test('a session connected before the request’s span began: its dial is none of it', async () => {
  const session = await connected(connect());
  const span = await within('call', () => send(session, '/'));
  assert.equal(tree(span), 'call > { http.getconn, http.wait, http.receive }');
  const getConn = childOf(span, 'http.getconn');
  assert.ok(nanos(getConn.startTime) >= nanos(span.startTime));
  assert.equal(getConn.attributes['http.conn.wait_time'], undefined);
});

test('a refused connection: the attempt has the cause, http.getconn what the application sees', async () => {
  const session = http2.connect(`http://127.0.0.1:${await closedPort()}`);
  session.on('error', () => {});
  const span = await within('refused', () => send(session, '/'));
  assert.equal(tree(span), 'refused > { http.getconn > { http.connect } }');
  const getConn = childOf(span, 'http.getconn');
  assert.equal(getConn.status.code, SpanStatusCode.ERROR);
  assert.equal(getConn.attributes['error.type'], 'ERR_HTTP2_STREAM_CANCEL');
  assert.equal(childOf(getConn, 'http.connect').attributes['error.type'], 'ECONNREFUSED');
});

test('50 concurrent streams over 3 sessions: phases, parents and connections are what the server saw', async () => {
  const three = [connect(), connect(), connect()];
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      within(`span${i}`, () => send(three[i % 3] ?? connect(), `/span${i}`)),
    ),
  );
  const ports = new Map<unknown, unknown>();
  for (let i = 0; i < 50; i++) {
    const span = exported(`span${i}`);
    const [getConn, ...others] = childrenOf(span);
    assert.equal(getConn?.name, 'http.getconn');
    const dial = childrenOf(getConn).map(({ name }) => name);
    assert.deepEqual(dial, i < 3 ? ['http.dns', 'http.connect', 'http.tls'] : []);
    assert.deepEqual(
      others.map(({ name }) => name),
      ['http.wait', 'http.receive'],
    );
    const port = getConn.attributes['network.local.port'];
    assert.equal(port, server.remotePorts.get(`/span${i}`));
    const { 'http.conn.id': id } = span.attributes;
    assert.equal(ports.get(id) ?? port, port, 'one id, one connection');
    ports.set(id, port);
    for (const child of [getConn, ...others]) {
      assert.ok(nanos(child.startTime) >= nanos(span.startTime), `${child.name} starts before ${span.name}`);
      assert.ok(nanos(child.endTime) <= nanos(span.endTime), `${child.name} ends after ${span.name}`);
    }
  }
  assert.equal(ports.size, 3);
});

test('header fields of the option headers are recorded with all their values', async () => {
  instrumentation.setConfig({ headers: ['x-two', 'authorization'] });
  const headers = { 'x-two': ['a', 'b'], authorization: 'secret' };
  const span = await within('headers', () => send(connect(), '/', { headers }));
  assert.deepEqual(span.attributes['http.request.header.x-two'], ['a', 'b']);
  assert.deepEqual(span.attributes['http.request.header.authorization'], ['REDACTED']);
});

for (const mode of ['events', 'attributes'] as const)
  test(`mode ${mode} writes to the active span`, async () => {
    instrumentation.setConfig({ mode });
    const span = await within(mode, () => send(connect(), '/'));
    const written =
      mode === 'events'
        ? span.events
            .filter(({ name }) => name.endsWith('.done'))
            .map(({ name }) => name.replace('.done', ''))
        : Object.keys(span.attributes)
            .filter((name) => name.endsWith('.duration'))
            .map((name) => name.replace('.duration', ''));
    assert.deepEqual(written.sort(), [
      'http.connect',
      'http.dns',
      'http.getconn',
      'http.receive',
      'http.tls',
      'http.wait',
    ]);
  });

test('an unhandled error of a stream is the application’s affair, and reported all the same', async () => {
  const session = connect();
  const span = await within('aborted', async () => {
    const abort = new AbortController();
    const stream = session.request({}, { signal: abort.signal });
    abort.abort();
    await once(stream, 'error').catch(() => {});
  });
  assert.equal(childOf(span, 'http.getconn').attributes['error.type'], 'ABORT_ERR');
});
