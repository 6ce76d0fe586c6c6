import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type TestContext, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import type { OnStream, StreamOptions, StreamOutcome } from '../support/http2';
import { Recorder } from '../support/recorder';
import { closedPort, serve, serveRaw, type TestServer } from '../support/servers';
import { answer, connected, gotConn, over, stage } from './stage';

const CANCEL = 'ERR_HTTP2_STREAM_CANCEL';
const NEXT = 'GC GO HF WH WR FB response RT end';

test('a refused connection', async (t) => {
  const refusing = { port: await closedPort(), ca: undefined, close: async () => {} } as TestServer;
  const { recorder, error } = await over(t, refusing).get();
  assert.equal(recorder.story(), `GC CS CD!ECONNREFUSED RT!${CANCEL} error!${CANCEL}`);
  assert.equal(recorder.args('roundTripDone')[0], error);
});

test('every stream of a session whose connection is refused ends with an error', async (t) => {
  const { connect, get } = over(t, { port: await closedPort(), close: async () => {} } as TestServer);
  const session = connect();
  const [first, second] = await Promise.all([get('/1', {}, session), get('/2', {}, session)]);
  assert.equal(first.recorder.sequence(), `GC CS CD!ECONNREFUSED RT!${CANCEL}`);
  assert.equal(second.recorder.sequence(), `GC RT!${CANCEL}`);
});

test('a certificate for another host', async (t) => {
  const { connect, get } = await stage(t, answer, { tls: true });
  const { recorder } = await get('/', {}, connect({}, '127.0.0.1'));
  assert.equal(recorder.story(), `GC CS CD TS TD!ERR_TLS_CERT_ALTNAME_INVALID RT!${CANCEL} error!${CANCEL}`);
});

test('a certificate that nobody vouches for', async (t) => {
  const { connect, get, server } = await stage(t, answer, { tls: true });
  const { recorder } = await get('/', {}, connect({ ca: [] }, 'localhost'));
  assert.equal(recorder.sequence(), `GC DS DD CS CD TS TD!DEPTH_ZERO_SELF_SIGNED_CERT RT!${CANCEL}`);
  assert.equal(server.remotePorts.size, 0);
});

test('a server that speaks HTTP/1.1 only refuses the handshake', async (t) => {
  const server = await serve((_req, res) => res.end('never'), { tls: true });
  const { connect, get } = over(t, server);
  const { recorder } = await get('/', {}, connect({}, 'localhost'));
  assert.match(recorder.sequence(), new RegExp(`^GC DS DD CS CD TS TD!\\S+ RT!${CANCEL}$`));
});

test('a server that answers in another protocol', async (t) => {
  const server = await serveRaw((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const { recorder, error } = await over(t, server).get();
  assert.match(recorder.story(), /^GC CS CD GO HF WH (WR )?(WR!\S+ )?RT!\S+ error!\S+( end)?$/);
  assert.equal(recorder.args('roundTripDone')[0], error);
});

/** A stream that the server ends in its own way; the session has been used before. */
async function after(t: TestContext, onStream: OnStream, options?: StreamOptions): Promise<StreamOutcome> {
  const { connect, get } = await stage(t, (stream, headers) =>
    headers[':path'] === '/first' ? answer(stream) : onStream(stream, headers),
  );
  const session = connect();
  await get('/first', {}, session);
  return await get('/', options, session);
}

test('a stream reset by the server', async (t) => {
  const { recorder, error } = await after(t, (stream) =>
    stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  );
  assert.equal(recorder.story(), 'GC GO HF WH WR RT!ERR_HTTP2_STREAM_ERROR error!ERR_HTTP2_STREAM_ERROR');
  assert.equal(recorder.args('roundTripDone')[0], error);
});

test('a stream cancelled by the server, for which Node has no error: the trace has one', async (t) => {
  const { recorder, error } = await after(t, (stream) => stream.close(http2.constants.NGHTTP2_CANCEL));
  assert.equal(error, undefined);
  assert.equal(recorder.story(), `GC GO HF WH WR end RT!${CANCEL}`);
});

test('a stream closed by the server without a response', async (t) => {
  const { recorder } = await after(t, (stream) => stream.close());
  assert.equal(recorder.story(), `GC GO HF WH WR end RT!${CANCEL}`);
});

test('a body cut off by the end of the connection: Node shows an end, the trace an error', async (t) => {
  const { recorder } = await after(t, (stream) => {
    stream.respond();
    // The socket itself: destroy() of the session's proxy is that of the session.
    stream.write('part', () => stream.session?.socket.off('none', () => {}).destroy());
  });
  assert.match(
    recorder.story(),
    /^GC GO HF WH WR FB response (end RT!ERR_HTTP2_STREAM_CANCEL|RT!(\S+) error!\2)$/,
  );
});

test('a response that does not wait for the upload ends it', async (t) => {
  const { recorder, status } = await after(
    t,
    (stream) => {
      stream.respond({ ':status': 413 });
      stream.end('too large');
      stream.close();
    },
    { headers: { ':method': 'POST' }, onStream: (stream) => void stream.write('part') },
  );
  assert.equal(status, 413);
  assert.equal(
    recorder.story(),
    'GC GO HF WH FB response end WR!the request was over before it was written RT',
  );
});

test('GOAWAY lets streams end, and the next request finds the session closed', async (t) => {
  const { connect, get } = await stage(t, (stream) => {
    stream.session?.goaway();
    answer(stream);
  });
  const session = connect();
  const { recorder } = await get('/', {}, session);
  assert.equal(recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
  const recorded = await onDeadSession(session);
  assert.match(recorded.sequence(), /^GC RT!ERR_HTTP2_(GOAWAY|INVALID)_SESSION$/);
});

test('GOAWAY with an error ends the streams with it', async (t) => {
  const { recorder } = await after(t, (stream) =>
    stream.session?.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM),
  );
  assert.equal(recorder.story(), 'GC GO HF WH WR RT!ERR_HTTP2_SESSION_ERROR error!ERR_HTTP2_SESSION_ERROR');
});

test('a request of a session that was destroyed', async (t) => {
  const { connect } = await stage(t);
  const session = await connected(connect());
  session.destroy();
  assert.equal((await onDeadSession(session)).sequence(), 'GC CS CD RT!ERR_HTTP2_INVALID_SESSION');
});

/** Before version 24 `request` throws, from then on the stream has the error. */
async function onDeadSession(session: http2.ClientHttp2Session): Promise<Recorder> {
  const recorder = new Recorder();
  let thrown: unknown;
  const stream = context.with(withClientTrace(context.active(), recorder.trace), () => {
    try {
      return session.request({ ':path': '/' });
    } catch (error) {
      thrown = error;
      return undefined;
    }
  });
  if (stream !== undefined) [thrown] = await once(stream, 'error');
  recorder.assertInvariants();
  assert.equal(recorder.args('roundTripDone')[0], thrown);
  return recorder;
}

test('a request that is wrong in itself has no hooks', async (t) => {
  const { connect } = await stage(t);
  const session = await connected(connect());
  const recorder = new Recorder();
  context.with(withClientTrace(context.active(), recorder.trace), () => {
    assert.throws(() => session.request({ ':nonsense': '/' }), { code: 'ERR_HTTP2_INVALID_PSEUDOHEADER' });
    assert.throws(() => session.request({}, { endStream: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' });
  });
  assert.equal(recorder.sequence(), '');
});

test('a request whose signal is aborted already has no hooks', async (t) => {
  const { connect } = await stage(t);
  const recorder = new Recorder();
  const stream = context.with(withClientTrace(context.active(), recorder.trace), () =>
    connect().request({}, { signal: AbortSignal.abort() }),
  );
  await once(stream, 'error');
  assert.equal(recorder.sequence(), '');
});

test('aborted while the connection is made: the dial of the request ends with it, the connection does not', async (t) => {
  const { connect, get } = await stage(t);
  const session = connect();
  const abort = new AbortController();
  const first = get('/', { signal: abort.signal }, session);
  abort.abort();
  const { recorder } = await first;
  assert.match(recorder.story(), /^GC (CS CD!ABORT_ERR )?RT!ABORT_ERR error!ABORT_ERR$/);
  const next = await get('/', {}, session);
  assert.equal(next.recorder.story(), NEXT);
  assert.deepEqual(gotConn(next), { reused: false, wasIdle: false, idleTime: 0 });
});

test('closed while the connection is made: what Node sends of it all the same is told', async (t) => {
  const { connect, get } = await stage(t);
  const { recorder } = await get(
    '/',
    { onStream: (stream) => stream.close(http2.constants.NGHTTP2_CANCEL) },
    connect(),
  );
  assert.match(recorder.sequence(), /^GC CS CD GO HF WH (WR )?(WR!\S+ )?RT!ERR_HTTP2_STREAM_CANCEL$/);
});

test('destroyed while the connection is made', async (t) => {
  const { connect, get } = await stage(t);
  const { recorder } = await get('/', { onStream: (stream) => void stream.destroy() }, connect());
  assert.match(recorder.sequence(), new RegExp(`^GC (CS CD!${CANCEL} )?RT!${CANCEL}$`));
});

test('a session that is destroyed while it connects', async (t) => {
  const { connect, get } = await stage(t);
  const session = connect();
  const outcome = get('/', {}, session);
  session.destroy();
  assert.match((await outcome).recorder.sequence(), new RegExp(`^GC (CS CD!${CANCEL} )?RT!${CANCEL}$`));
});

for (const [how, end, story] of [
  ['aborted', undefined, 'GC GO HF WH WR RT!ABORT_ERR error!ABORT_ERR'],
  ['closed with CANCEL', (s) => s.close(8), `GC GO HF WH WR end RT!${CANCEL}`],
  ['destroyed with an error', (s) => s.destroy(boom()), 'GC GO HF WH WR RT!BOOM error!BOOM'],
  ['left without a session', (s) => s.session?.destroy(boom()), 'GC GO HF WH WR RT!BOOM error!BOOM'],
] as [string, ((stream: http2.ClientHttp2Stream) => void) | undefined, string][])
  test(`waiting for the response, and ${how}`, async (t) => {
    const abort = new AbortController();
    let client: http2.ClientHttp2Stream | undefined;
    const { recorder } = await after(
      t,
      () => {
        if (end === undefined) abort.abort();
        else if (client !== undefined) end(client);
      },
      {
        signal: abort.signal,
        onStream: (stream) => {
          client = stream;
        },
      },
    );
    assert.equal(recorder.story(), story);
  });

test('given up while it uploads', async (t) => {
  let client: http2.ClientHttp2Stream | undefined;
  const { recorder } = await after(t, () => client?.close(http2.constants.NGHTTP2_CANCEL), {
    headers: { ':method': 'POST' },
    onStream: (stream) => {
      client = stream;
      stream.write('part');
    },
  });
  assert.equal(recorder.story(), `GC GO HF WH end WR!${CANCEL} RT!${CANCEL}`);
});

test('a body given up is no failure, and does not cost the connection', async (t) => {
  const { connect, get, server } = await stage(t, (stream) => {
    stream.respond();
    stream.write('part');
  });
  const session = connect();
  const first = await get('/', { read: false, onResponse: (stream) => void stream.destroy() }, session);
  assert.match(first.recorder.story(), /^GC CS CD GO HF WH WR FB response( end)? RT$/);
  const second = await get('/', { read: false, onResponse: (stream) => void stream.destroy() }, session);
  assert.equal(gotConn(second).reused, true);
  assert.equal(server.connections, 1);
});

test('aborted while its body is read', async (t) => {
  const abort = new AbortController();
  const { recorder } = await after(
    t,
    (stream) => {
      stream.respond();
      stream.write('part');
    },
    { signal: abort.signal, onResponse: (stream) => void stream.once('data', () => abort.abort()) },
  );
  assert.equal(recorder.story(), 'GC GO HF WH WR FB response RT!ABORT_ERR error!ABORT_ERR');
});

test('a session over a socket that was there before', async (t) => {
  const { default: net } = await import('node:net');
  const { get, server, connect } = await stage(t);
  const socket = net.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const session = connect({ createConnection: () => socket });
  const { recorder } = await get('/', {}, session);
  assert.equal(recorder.story(), NEXT);
  assert.deepEqual(recorder.args('getConn'), [server.address]);
  assert.equal(recorder.args('gotConn')[0].socket, socket);
  assert.equal(recorder.args('gotConn')[0].reused, false);
});

test('a session over a socket that createConnection opens, and one over TLS over that', async (t) => {
  const { default: net } = await import('node:net');
  const { default: tls } = await import('node:tls');
  const plain = await stage(t);
  const { recorder } = await plain.get(
    '/',
    {},
    plain.connect({ createConnection: () => net.connect(plain.server.port, '127.0.0.1') }),
  );
  assert.equal(recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');

  const secure = await stage(t, answer, { tls: true });
  const below = net.connect(secure.server.port, '127.0.0.1');
  await once(below, 'connect');
  const createConnection = () =>
    tls.connect({ socket: below, servername: 'localhost', ca: secure.server.ca, ALPNProtocols: ['h2'] });
  const tunnelled = await secure.get('/', {}, secure.connect({ createConnection }));
  assert.equal(tunnelled.recorder.story(), 'GC TS TD GO HF WH WR FB response RT end');
  assert.deepEqual(tunnelled.recorder.args('getConn'), [secure.server.address]);
});

function boom(): Error {
  return Object.assign(new Error('boom'), { code: 'BOOM' });
}
