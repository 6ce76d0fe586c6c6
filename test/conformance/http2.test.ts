import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gate } from '../support/gate';
import { answer, gotConn, stage } from '../support/http2stage';
import { certificateFor, conformance } from './stage';

const secure = async (t: TestContext, onStream = answer) =>
  stage(t, onStream, { tls: await certificateFor('127.0.0.1') });

conformance('http2', {
  async h2_new(t) {
    const { get, server } = await secure(t);
    const r1 = await get();
    assert.deepEqual(r1.recorder.args('getConn'), [server.address]);
    assert.equal(r1.recorder.args('tlsHandshakeDone')[0]?.alpnProtocol, 'h2');
    assert.deepEqual(gotConn(r1), { reused: false, wasIdle: false, idleTime: 0 });
    return [r1];
  },

  async h2_new_nodelay(t) {
    const { get, connect, server } = await secure(t, (stream) => stream.respond({}, { endStream: true }));
    const session = connect();
    const all = [];
    for (let i = 0; i < 5; i++) all.push(await get('/', {}, session));
    assert.equal(server.connections, 1);
    return all;
  },

  async h2_two_sequential(t) {
    const { get, connect } = await secure(t);
    const session = connect();
    const r1 = await get('/', {}, session);
    const before = performance.now();
    await pause(200);
    const atLeast = performance.now() - before;
    const r2 = await get('/', {}, session);
    const { idleTime, ...rest } = gotConn(r2);
    assert.deepEqual(rest, { reused: true, wasIdle: true });
    assert.ok(idleTime >= atLeast);
    return [r1, r2];
  },

  async h2_two_concurrent_warm(t) {
    const { get, connect } = await secure(t);
    const session = connect();
    const r0 = await get('/0', {}, session);
    const [r1, r2] = await Promise.all([get('/1', {}, session), get('/2', {}, session)]);
    const { idleTime, ...rest } = gotConn(r1);
    assert.deepEqual(rest, { reused: true, wasIdle: true });
    assert.ok(idleTime > 0);
    assert.deepEqual(gotConn(r2), { reused: true, wasIdle: false, idleTime: 0 });
    return [r0, r1, r2];
  },

  async h2_header_fields(t) {
    const { get, server } = await secure(t);
    const r1 = await get('/path', { headers: { 'X-Two': ['a', 'b'], cookie: 'a=1; b=2' } });
    const fields = r1.recorder.calls
      .filter(({ hook }) => hook === 'wroteHeaderField')
      .map(({ args }) => args);
    assert.deepEqual(fields, [
      [':path', ['/path']],
      [':method', ['GET']],
      [':authority', [server.address]],
      [':scheme', ['https']],
      ['x-two', ['a']],
      ['x-two', ['b']],
      ['cookie', ['a=1; b=2']],
    ]);
    return [r1];
  },

  async h2_post(t) {
    let body = '';
    const { get } = await secure(t, (stream) => {
      stream.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      answer(stream);
    });
    const r1 = await get('/', { headers: { ':method': 'POST' }, body: 'hello' });
    assert.equal(body, 'hello');
    return [r1];
  },

  async h2_early_hints_103(t) {
    const { get } = await secure(t, (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
      answer(stream);
    });
    const r1 = await get();
    const [status, headers] = r1.recorder.args('got1xxResponse');
    assert.equal(status, 103);
    assert.equal(headers.link, '</style.css>; rel=preload');
    return [r1];
  },

  async h2_body_unread_close(t) {
    const { get, connect, server } = await secure(t, (stream) => {
      stream.respond();
      stream.write('part');
    });
    const session = connect();
    const givenUp = { read: false, onResponse: (stream: { destroy(): void }) => stream.destroy() };
    const r1 = await get('/', givenUp, session);
    const r2 = await get('/', givenUp, session);
    assert.equal(gotConn(r2).reused, true);
    assert.equal(server.connections, 1);
    return [r1, r2];
  },

  async h2_cancel_waiting_for_response(t) {
    const arrived = gate();
    let hangs = true;
    const { get, connect, server } = await secure(t, (stream) => {
      if (!hangs) return answer(stream);
      hangs = false;
      arrived.open();
    });
    const session = connect();
    const abort = new AbortController();
    const cancelled = get('/', { signal: abort.signal }, session);
    await arrived.opened;
    abort.abort();
    const r1 = await cancelled;
    const r2 = await get('/', {}, session);
    const { idleTime: _, ...rest } = gotConn(r2);
    assert.deepEqual(rest, { reused: true, wasIdle: true });
    assert.equal(server.connections, 1);
    return [r1, r2];
  },
});
