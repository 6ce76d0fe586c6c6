import assert from 'node:assert/strict';
import type { ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { test } from 'node:test';
import { gate } from '../support/gate';
import { conformance, rawStage, stage } from './stage';

const coded = (code: string) => Object.assign(new Error(code), { code });

conformance('upload', {
  post_body_read_error: async (t) => {
    const { get } = await stage(t);
    const boom = coded('BOOM');
    const r1 = await get({ method: 'POST', onRequest: failing(boom, (req) => req.destroy(boom)) });
    assert.deepEqual(r1.recorder.args('wroteRequest'), [{ err: boom }]);
    assert.deepEqual(r1.recorder.args('roundTripDone'), [boom]);
    return [r1];
  },

  write_error_small_request: async (t) => {
    const { server, get } = await stage(t);
    class Broken extends Socket {
      override _writev(_chunks: unknown, callback: (error: Error) => void): void {
        if (this.connecting) this.once('connect', () => callback(coded('EPIPE')));
        else callback(coded('EPIPE'));
      }
      override _write(chunk: unknown, _encoding: unknown, callback: (error: Error) => void): void {
        this._writev(chunk, callback);
      }
    }
    const r1 = await get({
      method: 'POST',
      body: 'hello',
      agent: undefined,
      createConnection: () => new Broken().connect(server.port, '127.0.0.1'),
    });
    return [r1];
  },
});

/** Pipes a body that fails with the error as soon as the request is connected; what is to become of the request then is for the caller to say. */
function failing(error: Error, giveUp: (req: ClientRequest) => void): (req: ClientRequest) => void {
  return (req) => {
    const body = new Readable({ read() {} });
    body.push('so far');
    body.on('error', () => giveUp(req));
    req.once('socket', (socket) => socket.once('connect', () => setImmediate(() => body.destroy(error))));
    body.pipe(req);
  };
}

/** Writes a body in two parts; the second when `more` is opened. */
function inTwoParts(more: Promise<unknown>): (req: ClientRequest) => void {
  return (req) => {
    req.write('first');
    more.then(() => req.end('last'));
  };
}

test('a response before the end of the upload: the connection is freed when both are over', async (t) => {
  const { server, get } = await stage(t, (req, res) => {
    res.end('early');
    req.resume();
  });
  const ended = gate();
  const r1 = await get({
    method: 'POST',
    onRequest: inTwoParts(ended.opened),
    onResponse: (res) => res.on('end', ended.open),
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH FB response end WR PI RT');
  assert.deepEqual(r1.recorder.args('wroteRequest'), [{}]);
  await get();
  assert.equal(server.connections, 1);
});

test('a response before the end of the upload that closes the connection: the rest is never written', async (t) => {
  const { get } = await rawStage(t, (socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'),
    ),
  );
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.write('first');
    },
  });
  assert.equal(r1.body, 'no');
  assert.equal(
    r1.recorder.story(),
    'GC CS CD GO HF WH FB response end WR!the request was over before it was written RT',
  );
});

test('a body that fails in a pipeline fails the request without a cause: Node does not hand it on', async (t) => {
  const { get } = await stage(t);
  const failed = gate<unknown>();
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      const body = new Readable({ read() {} });
      body.push('so far');
      req.once('socket', (socket) =>
        socket.once('connect', () => setImmediate(() => body.destroy(coded('BOOM')))),
      );
      pipeline(body, req, failed.open);
    },
  });
  assert.equal(((await failed.opened) as NodeJS.ErrnoException).code, 'BOOM');
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR!ECONNRESET RT!ECONNRESET error!ECONNRESET');
});

test('an upload that is aborted was not written, though Node up to 22 calls it finished', async (t) => {
  const { get } = await stage(t, () => {});
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.end(Buffer.alloc(1 << 25));
      req.once('socket', (socket) => socket.once('connect', () => setTimeout(() => req.destroy(), 30)));
    },
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR!ECONNRESET RT!ECONNRESET error!ECONNRESET');
});

test('a reset in the middle of an upload fails the write and the request', async (t) => {
  const { get } = await rawStage(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.write('first');
    },
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR!ECONNRESET RT!ECONNRESET error!ECONNRESET');
  assert.equal(r1.recorder.args('wroteRequest')[0].err, r1.error);
});

test('a large body is written when the kernel has taken it, not before', async (t) => {
  const drain = gate();
  const { get } = await stage(t, (req, res) => {
    drain.opened.then(() => req.resume().on('end', () => res.end()));
  });
  let written = false;
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.end(Buffer.alloc(1 << 25));
      req.on('socket', (socket) =>
        socket.once('connect', () =>
          setTimeout(() => {
            written = req.writableFinished;
            drain.open();
          }, 50),
        ),
      );
    },
  });
  assert.equal(written, false);
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('a request is written when the application ends it, even if it has no body and is answered before', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({
    onRequest: (req) => req.flushHeaders(),
    onResponse: (res, req) => res.on('end', () => setImmediate(() => req.end())),
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH FB response end WR PI RT');
});

test('a head that is written late is told late: the connection was there before', async (t) => {
  const { get } = await stage(t);
  const reached = gate<string>();
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.once('socket', (socket) =>
        socket.once('connect', () =>
          setTimeout(() => {
            reached.open(String(req.headersSent));
            req.end('late');
          }, 20),
        ),
      );
    },
  });
  assert.equal(await reached.opened, 'false');
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});
