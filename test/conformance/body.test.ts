import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { send } from '../support/client';
import { Recorder } from '../support/recorder';
import { answering, conformance, rawStage, stage } from './stage';

const giveUp = (res: IncomingMessage) => {
  res.destroy();
};

conformance('body', {
  head_no_body: async (t) => {
    const { server, get } = await stage(t, (_req, res) =>
      res.writeHead(200, { 'Content-Length': 2 }).end('ok'),
    );
    const r1 = await get({ method: 'HEAD' });
    await get();
    assert.equal(server.connections, 1);
    return [r1];
  },

  chunked_body: async (t) => {
    const { get } = await stage(t, (_req, res) => {
      res.write('first');
      setTimeout(() => res.end('last'), 50);
    });
    const put: boolean[] = [];
    let ended = false;
    const older = { putIdleConn: () => put.push(ended) };
    const r1 = await context.with(withClientTrace(context.active(), older), () =>
      get({ onResponse: (res) => res.on('end', () => (ended = true)) }),
    );
    assert.deepEqual([r1.body, put], ['firstlast', [true]]);
    return [r1];
  },

  body_unread_close: async (t) => {
    const { server, get } = await stage(t, (_req, res) => res.write('not all'));
    const r1 = await get({ onResponse: giveUp });
    const r2 = await get({ onResponse: giveUp });
    assert.equal(server.connections, 2);
    assert.equal(r2.recorder.args('gotConn')[0].reused, false);
    assert.deepEqual(r2.recorder.args('roundTripDone'), [undefined]);
    return [r1, r2];
  },

  read_exact_chunked_then_close: async (t) => {
    const { get } = await stage(t, (_req, res) => res.write('all of it'));
    return [await get({ onResponse: (res) => res.on('data', () => giveUp(res)) })];
  },

  body_never_closed: async (t) => {
    const { server, agent } = await stage(t);
    const recorder = new Recorder();
    const responded = new Promise<IncomingMessage>((onResponse) => {
      context.with(withClientTrace(context.active(), recorder.trace), () => {
        send(
          new URL(`http://${server.address}`),
          { agent, read: false, onResponse },
          recorder.mark.bind(recorder),
        );
      });
    });
    const res = await responded;
    await pause(50);
    const story = recorder.story();
    res.destroy();
    await recorder.done;
    recorder.assertInvariants();
    return [story];
  },
});

for (const [status, method, head] of [
  [204, 'GET', ''],
  [304, 'GET', 'Content-Length: 5\r\n'],
  [200, 'HEAD', 'Content-Length: 5\r\n'],
  [200, 'GET', 'Content-Length: 0\r\n'],
] as const)
  test(`a ${status} to a ${method}${head.includes('0') ? ' of length 0' : ''} has no body, and frees its connection`, async (t) => {
    const { server, get } = await answering(t, `HTTP/1.1 ${status} X\r\n${head}\r\n`);
    const r1 = await get({ method });
    assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
    assert.deepEqual([r1.status, r1.body, server.connections], [status, '', 1]);
    assert.deepEqual(r1.recorder.args('putIdleConn'), [undefined]);
  });

test('a HEAD answered without a length costs the connection: Node takes it for a body that ends with it', async (t) => {
  const { get } = await answering(t, 'HTTP/1.1 200 OK\r\n\r\n');
  const r1 = await get({ method: 'HEAD' });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
});

test('trailers belong to the body: the connection is freed after them', async (t) => {
  let finish = () => {};
  const { get } = await stage(t, (_req, res) => {
    res.writeHead(200, { Trailer: 'X-Sum' });
    res.write('body');
    finish = () => {
      res.addTrailers({ 'X-Sum': '42' });
      res.end();
    };
  });
  let trailers: unknown;
  const r1 = await get({
    onResponse: (res) => {
      res.once('data', () => finish());
      res.on('end', () => {
        trailers = res.trailers;
      });
    },
  });
  assert.deepEqual(trailers, { 'x-sum': '42' });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('an HTTP/1.0 response that does not keep the connection ends with it, and nothing is put into the pool', async (t) => {
  const { get } = await answering(t, 'HTTP/1.0 200 OK\r\n\r\nold', true);
  const r1 = await get();
  assert.equal(r1.body, 'old');
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
});

test('an HTTP/1.0 response that keeps the connection has it put into the pool', async (t) => {
  const { get } = await answering(
    t,
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold',
  );
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('a body that ends with its connection puts nothing into the pool', async (t) => {
  const { get } = await answering(t, 'HTTP/1.1 200 OK\r\n\r\nto the end', true);
  const r1 = await get();
  assert.equal(r1.body, 'to the end');
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
});

test('a response that nobody listens for is discarded by Node, and its connection freed', async (t) => {
  const { server, agent, get } = await stage(t);
  const recorder = new Recorder();
  await context.with(withClientTrace(context.active(), recorder.trace), async () => {
    const { request } = await import('node:http');
    await once(request(`http://${server.address}`, { agent }).end(), 'close');
  });
  await recorder.done;
  recorder.assertInvariants();
  assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB PI RT');
  assert.equal((await get()).recorder.args('gotConn')[0].reused, true);
});

test('a body that is paused for a while keeps its connection until it is read', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({
    onResponse: (res) => {
      res.pause();
      setTimeout(() => res.resume(), 30);
    },
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('a complete body that is given up unread costs the connection', async (t) => {
  const { server, get } = await rawStage(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
  );
  const r1 = await get({ read: false, onResponse: (res) => setTimeout(() => res.destroy(), 30) });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT');
  assert.equal((await get()).recorder.args('gotConn')[0].reused, false);
  assert.equal(server.connections, 2);
});

test('a complete body that nobody has begun to read ends with its connection', async (t) => {
  const stage = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', true);
  const recorder = new Recorder();
  context.with(withClientTrace(context.active(), recorder.trace), () => {
    const req = http.get({ host: '127.0.0.1', port: stage.server.port, agent: stage.agent });
    req.on('response', () => recorder.mark('response'));
  });
  await recorder.done;
  assert.equal(recorder.story(), 'GC CS CD GO HF WH WR FB response RT');
});
