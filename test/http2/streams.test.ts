import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gate } from '../support/gate';
import { request } from '../support/http2';
import { connected, gotConn, stage } from './stage';

const NEW = 'GC CS CD GO HF WH WR FB response RT end';
const NEXT = 'GC GO HF WH WR FB response RT end';
const FRESH = { reused: false, wasIdle: false, idleTime: 0 };

test('the first stream of a session shows how its connection was made', async (t) => {
  const { get, server } = await stage(t);
  const outcome = await get();
  assert.equal(outcome.recorder.story(), NEW);
  assert.equal(outcome.body, 'ok');
  assert.deepEqual(outcome.recorder.args('getConn'), [server.address]);
  assert.deepEqual(outcome.recorder.args('connectDone'), ['tcp', server.address, undefined]);
  assert.deepEqual(gotConn(outcome), FRESH);
});

test('gotConn gives the socket itself, connected', async (t) => {
  const { connect, get, server } = await stage(t);
  const ports: (number | undefined)[] = [];
  const session = connect();
  const { recorder } = await get('/', { onResponse: () => ports.push(session.socket.localPort) }, session);
  const [{ socket }] = recorder.args('gotConn');
  assert.ok(socket instanceof net.Socket && socket !== session.socket);
  assert.equal(server.remotePorts.get('/'), ports[0]);
});

test('a stream on an idle session is told how long it was idle', async (t) => {
  const { get, connect } = await stage(t);
  const session = connect();
  await get('/1', {}, session);
  const before = performance.now();
  await pause(20);
  const atLeast = performance.now() - before;
  const second = await get('/2', {}, session);
  assert.equal(second.recorder.story(), NEXT);
  const { reused, wasIdle, idleTime } = gotConn(second);
  assert.deepEqual({ reused, wasIdle }, { reused: true, wasIdle: true });
  assert.ok(idleTime >= atLeast, `${idleTime} >= ${atLeast}`);
});

test('a stream on a session that serves another one is told that it was not idle', async (t) => {
  const arrived = gate();
  const release = gate();
  const { get, connect } = await stage(t, (stream, headers) => {
    if (headers[':path'] === '/slow') {
      arrived.open();
      void release.opened.then(() => stream.respond({}, { endStream: true }));
    } else stream.respond({}, { endStream: true });
  });
  const session = connect();
  const slow = get('/slow', {}, session);
  await arrived.opened;
  const outcome = await get('/fast', {}, session);
  release.open();
  await slow;
  assert.equal(outcome.recorder.story(), NEXT);
  assert.deepEqual(gotConn(outcome), { reused: true, wasIdle: false, idleTime: 0 });
});

test('streams made before the session is connected share its dial: the first one shows it, the others wait', async (t) => {
  const { get, connect, server } = await stage(t);
  const session = connect();
  const [first, second, third] = await Promise.all([
    get('/1', {}, session),
    get('/2', {}, session),
    get('/3', {}, session),
  ]);
  assert.match(first.recorder.sequence(), /^GC CS CD GO HF WH .*RT$/);
  for (const waiting of [second, third]) {
    assert.match(waiting.recorder.sequence(), /^GC GO HF WH .*RT$/);
    assert.deepEqual(gotConn(waiting), { reused: true, wasIdle: false, idleTime: 0 });
  }
  assert.equal(server.connections, 1);
});

test('a session that was connected before its first request still shows that one how', async (t) => {
  const { get, connect } = await stage(t);
  const session = await connected(connect({}, 'localhost'));
  const first = await get('/', {}, session);
  assert.equal(first.recorder.story(), 'GC DS DD CS CD GO HF WH WR FB response RT end');
  assert.deepEqual(gotConn(first), FRESH);
  assert.equal((await get('/', {}, session)).recorder.story(), NEXT);
});

test('an untraced first stream keeps the dial to itself', async (t) => {
  const { get, connect, server } = await stage(t);
  const session = connect();
  await new Promise((resolve) => session.request({ ':path': '/untraced' }).resume().on('close', resolve));
  const second = await get('/', {}, session);
  assert.equal(second.recorder.story(), NEXT);
  assert.equal(gotConn(second).reused, true);
  assert.equal(server.connections, 1);
});

test('untraced streams count: a session that one of them uses is not idle', async (t) => {
  const arrived = gate();
  const { get, connect } = await stage(t, (stream, headers) => {
    if (headers[':path'] === '/untraced') arrived.open();
    else stream.respond({}, { endStream: true });
  });
  const session = connect();
  session.request({ ':path': '/untraced' }).on('error', () => {});
  await arrived.opened;
  assert.deepEqual(gotConn(await get('/', {}, session)), { reused: true, wasIdle: false, idleTime: 0 });
});

test('over TLS the first stream shows the handshake, and that h2 was agreed on', async (t) => {
  const { server, connect } = await stage(t, undefined, { tls: true });
  const { recorder } = await request(connect({}, 'localhost'), '/');
  assert.equal(recorder.story(), 'GC DS DD CS CD TS TD GO HF WH WR FB response RT end');
  assert.deepEqual(recorder.args('getConn'), [`localhost:${server.port}`]);
  const [state] = recorder.args('tlsHandshakeDone');
  assert.equal(state?.alpnProtocol, 'h2');
  assert.equal(state?.authorized, true);
});

test('header fields are told as they go over the wire: pseudo header fields first, one value at a time, in lower case', async (t) => {
  const { get, server } = await stage(t);
  const { recorder } = await get('/path', {
    headers: { 'X-Two': ['a', 'b'], 'x-one': 1, ':method': 'OPTIONS' },
  });
  const fields = recorder.calls.filter(({ hook }) => hook === 'wroteHeaderField').map(({ args }) => args);
  assert.deepEqual(fields, [
    [':path', ['/path']],
    [':method', ['OPTIONS']],
    [':authority', [server.address]],
    [':scheme', ['http']],
    ['x-two', ['a']],
    ['x-two', ['b']],
    ['x-one', ['1']],
  ]);
});

test('a body is written when its last byte is accepted', async (t) => {
  const read = gate();
  const { get } = await stage(t, (stream) => {
    // Until the server reads, the window lets 64 KiB through.
    void read.opened.then(() =>
      stream.resume().on('end', () => {
        stream.respond();
        stream.end('ok');
      }),
    );
  });
  const outcome = get('/', {
    headers: { ':method': 'POST' },
    onStream: (stream) => {
      stream.end(Buffer.alloc(300_000));
      stream.on('finish', () => assert.ok(isReading, 'finished before the server read'));
    },
  });
  let isReading = false;
  await pause(30);
  isReading = true;
  read.open();
  const { recorder } = await outcome;
  assert.equal(recorder.story(), NEW);
});

test('HEAD and 204 have no body to wait for', async (t) => {
  const { get, connect } = await stage(t, (stream) =>
    stream.respond({ ':status': 204 }, { endStream: true }),
  );
  const session = connect();
  const head = await get('/', { headers: { ':method': 'HEAD' } }, session);
  assert.equal(head.recorder.story(), NEW);
  assert.equal((await get('/', {}, session)).recorder.story(), NEXT);
});

test('trailers come before the end', async (t) => {
  const { get } = await stage(t, (stream) => {
    stream.respond({}, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ checksum: '42' }));
    stream.end('ok');
  });
  const { recorder, trailers } = await get();
  assert.equal(trailers?.checksum, '42');
  assert.equal(recorder.story(), 'GC CS CD GO HF WH WR FB response trailers RT end');
});

test('a response of trailers only, as gRPC refuses with, is a response', async (t) => {
  const { get } = await stage(t, (stream) => stream.respond({ 'grpc-status': '12' }, { endStream: true }));
  assert.equal((await get()).recorder.story(), NEW);
});

test('a body that nobody reads keeps the round trip open', async (t) => {
  const { connect, get } = await stage(t);
  const session = connect();
  const responded = gate<import('node:http2').ClientHttp2Stream>();
  const outcome = get('/', { read: false, onResponse: responded.open }, session);
  const stream = await responded.opened;
  await pause(20);
  stream.resume();
  assert.equal((await outcome).recorder.story(), NEW);
});

test('streams that the server pushes are none of ours, and change nothing', async (t) => {
  const { connect, get } = await stage(t, (stream) => {
    stream.pushStream({ ':path': '/pushed' }, (error, pushed) => {
      if (error) throw error;
      pushed.respond();
      pushed.end('pushed');
      stream.respond();
      stream.end('ok');
    });
  });
  const session = connect();
  const pushed = new Promise<string>((resolve) => {
    session.on('stream', (stream) => {
      let body = '';
      stream.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      stream.on('end', () => resolve(body));
    });
  });
  const first = await get('/', {}, session);
  assert.equal(await pushed, 'pushed');
  assert.equal(first.recorder.story(), NEW);
  const second = await get('/', {}, session);
  assert.equal(gotConn(second).reused, true);
});

test('a stream that the peer’s limit keeps waiting is told that it has its connection', async (t) => {
  const release = gate();
  const arrived = gate();
  const { connect, get } = await stage(
    t,
    (stream, headers) => {
      const respond = () => stream.respond({}, { endStream: true });
      if (headers[':path'] !== '/1') return respond();
      arrived.open();
      void release.opened.then(respond);
    },
    { settings: { maxConcurrentStreams: 1 } },
  );
  const session = await connected(connect());
  const first = get('/1', {}, session);
  await arrived.opened;
  const second = get('/2', {}, session);
  release.open();
  await first;
  const { recorder } = await second;
  assert.equal(recorder.story(), NEXT);
});
