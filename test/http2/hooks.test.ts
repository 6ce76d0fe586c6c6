import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { type ClientTrace, withClientTrace } from '../../src';
import { HOOKS } from '../../src/hooks';
import { collectDiag } from '../support/diag';
import { request, send } from '../support/http2';
import { listenAtPath } from '../support/unixsocket';
import { answer, connected, instrumentation, stage } from './stage';

const hint = (stream: http2.ServerHttp2Stream) => {
  stream.additionalHeaders({ ':status': 103 });
  answer(stream);
};

test('an error returned for an informational response aborts the stream with it, and costs no connection', async (t) => {
  const { connect, get, server } = await stage(t, hint);
  const session = connect();
  const no = Object.assign(new Error('no'), { code: 'HOOK_SAYS_NO' });
  const outcome = await context.with(withClientTrace(context.active(), { got1xxResponse: () => no }), () =>
    request(session, '/'),
  );
  assert.equal(outcome.error, no);
  assert.equal(outcome.recorder.story(), 'GC CS CD GO HF WH WR FB I1 RT!HOOK_SAYS_NO error!HOOK_SAYS_NO');
  assert.equal((await get('/', {}, session)).status, 200);
  assert.equal(server.connections, 1);
});

test('a hook that throws changes nothing', async (t) => {
  const { connect } = await stage(t, hint);
  const messages = collectDiag();
  const boom = () => {
    throw new Error('boom');
  };
  const throwing = Object.fromEntries(HOOKS.map((hook) => [hook, boom])) as ClientTrace;
  const session = connect({}, 'localhost');
  const { status, body } = await context.with(withClientTrace(context.active(), throwing), () =>
    send(session, '/'),
  );
  assert.deepEqual([status, body], [200, 'ok']);
  const told = messages.filter(({ text }) => /^httptrace: hook \w+ threw/.test(text));
  assert.deepEqual(told.length, messages.filter(({ level }) => level === 'error').length);
  assert.ok(told.length > 8);
});

for (const hook of ['getConn', 'gotConn', 'wroteHeaders', 'wroteRequest', 'gotFirstResponseByte'] as const)
  for (const cold of [true, false])
    test(`a hook may destroy the session: ${hook}${cold ? ', while it connects' : ''}`, async (t) => {
      const { connect } = await stage(t);
      const session = connect();
      if (!cold) await connected(session);
      const destroys = { [hook]: () => session.destroy() };
      const { recorder } = await context.with(withClientTrace(context.active(), destroys), () =>
        request(session, '/'),
      );
      assert.match(recorder.sequence(), hook === 'gotFirstResponseByte' ? / FB RT$/ : / RT!\S+$/);
    });

test('a request that a hook makes of the same session is not traced, and works', async (t) => {
  const { connect } = await stage(t);
  const session = connect();
  const others: Promise<{ body: string }>[] = [];
  const asks = {
    getConn: () => void others.push(send(session, '/')),
    gotConn: () => void others.push(send(session, '/')),
  };
  const { recorder } = await context.with(withClientTrace(context.active(), asks), () =>
    request(session, '/'),
  );
  assert.equal(recorder.count('getConn'), 1);
  for (const { body } of await Promise.all(others)) assert.equal(body, 'ok');
  assert.equal(others.length, 2);
});

test('a hook may disable the instrumentation: nothing more is told, the stream goes on', async (t) => {
  const { connect } = await stage(t);
  const session = connect();
  const calls: string[] = [];
  const trace: ClientTrace = Object.fromEntries(HOOKS.map((hook) => [hook, () => void calls.push(hook)]));
  trace.gotConn = () => {
    calls.push('gotConn');
    instrumentation.disable();
  };
  const { body } = await context.with(withClientTrace(context.active(), trace), () => send(session, '/'));
  instrumentation.enable();
  assert.equal(body, 'ok');
  assert.equal(calls.at(-1), 'gotConn');
  // What the session had carried meanwhile is not known.
  const { recorder } = await request(session, '/again');
  const { reused, wasIdle, idleTime } = recorder.args('gotConn')[0];
  assert.deepEqual({ reused, wasIdle, idleTime }, { reused: true, wasIdle: false, idleTime: 0 });
});

for (const tls of [false, true])
  test(`a session that was connected while nobody watched goes where its authority says${tls ? ', over TLS' : ''}`, async (t) => {
    const { connect, server } = await stage(t, answer, { tls });
    instrumentation.disable();
    const session = await connected(connect({}, 'localhost'));
    instrumentation.enable();
    const { recorder } = await request(session, '/');
    assert.equal(recorder.sequence(), 'GC GO HF WH WR FB RT');
    assert.deepEqual(recorder.args('getConn'), [`localhost:${server.port}`]);
  });

test('a session over a Unix socket goes where its authority says', async (t) => {
  const path = await listenAtPath(t, http2.createServer().on('stream', answer));
  const session = http2.connect('http://inside.test', { createConnection: () => net.connect(path) });
  t.after(() => session.destroy());
  const { recorder } = await request(session, '/');
  assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB RT');
  assert.deepEqual(recorder.args('getConn'), ['inside.test:80']);
  assert.deepEqual(recorder.args('connectStart'), ['unix', path]);
});
