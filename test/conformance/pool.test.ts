import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import type { Outcome } from '../support/client';
import { answering, closed, conformance, type Stage, stage } from './stage';

const PUT = 'GC CS CD GO HF WH WR FB response end PI RT';
const fields = ({ recorder }: Outcome, name: string) =>
  recorder.calls
    .filter(({ hook, args }) => hook === 'wroteHeaderField' && args[0] === name)
    .map(({ args }) => args[1]);
const refusal = ({ recorder }: Outcome) => recorder.args('putIdleConn')[0]?.message;

/** Early releases of Node 20 keep a connection although the server will close it within a second. */
const KEEPS_SHORT = { skip: !String(http.Agent.prototype.keepSocketAlive).includes('canKeepSocketAlive') };

/** Two requests that the server answers at the same time, so that each has a connection of its own; the first to be freed is the first of the result. */
async function twoAtOnce(
  t: Parameters<typeof stage>[0],
  agent: NonNullable<Parameters<typeof stage>[2]>['agent'],
) {
  const waiting: (() => void)[] = [];
  const set: Stage = await stage(
    t,
    (_req, res) => {
      waiting.push(() => res.end('ok'));
      if (waiting.length === 2) waiting[0]?.();
      if (waiting.length > 2) res.end('ok');
    },
    { ...(agent && { agent }) },
  );
  const first = set.get().then((outcome) => {
    waiting[1]?.();
    return outcome;
  });
  return { ...set, outcomes: await Promise.all([first, set.get()]) };
}

conformance('pool', {
  disable_keepalives: async (t) => {
    const { server, get } = await stage(t, undefined, { agent: { keepAlive: false } });
    const r1 = await get();
    const r2 = await get();
    assert.deepEqual(fields(r1, 'Connection'), [['close']]);
    assert.deepEqual([r2.recorder.args('gotConn')[0].reused, server.connections], [false, 2]);
    return [r1, r2];
  },

  max_idle_per_host_negative: async (t) => {
    const { get } = await stage(t, undefined, { agent: { maxFreeSockets: -1 } });
    return [await get()];
  },

  server_connection_close: async (t) => {
    const { server, get } = await stage(t, (_req, res) => res.writeHead(200, { Connection: 'close' }).end());
    const r1 = await get();
    const r2 = await get();
    assert.deepEqual([r2.recorder.args('gotConn')[0].reused, server.connections], [false, 2]);
    return [r1, r2];
  },

  request_connection_close: async (t) => {
    const { get } = await stage(t);
    const r1 = await get({ headers: { Connection: 'close' } });
    assert.deepEqual(fields(r1, 'Connection'), [['close']]);
    return [r1];
  },

  max_idle_per_host_1_two_parallel: async (t) => {
    const { agent, outcomes } = await twoAtOnce(t, { maxFreeSockets: 1 });
    assert.equal(Object.values(agent.freeSockets).flat().length, 1);
    return outcomes;
  },
});

test('more connections than maxTotalSockets allows cannot be: the request waits', async (t) => {
  const { server, get } = await stage(t, undefined, { agent: { maxTotalSockets: 1 } });
  const [r1, r2] = await Promise.all([get(), get()]);
  assert.deepEqual([r1.recorder.story(), r2.recorder.story()], [PUT, 'GC GO HF WH WR FB response end PI RT']);
  const { reused, wasIdle, idleTime } = r2.recorder.args('gotConn')[0];
  assert.deepEqual([reused, wasIdle, idleTime, server.connections], [true, false, 0, 1]);
});

test(
  'a server that keeps idle connections for a second only has its connection refused by the pool',
  KEEPS_SHORT,
  async (t) => {
    const { server, get } = await stage(t, (_req, res) =>
      res.writeHead(200, { 'Keep-Alive': 'timeout=1' }).end(),
    );
    const r1 = await get();
    assert.equal(refusal(r1), 'keep-alive refused: the server keeps idle connections too briefly');
    assert.equal((await get()).recorder.args('gotConn')[0].reused, false);
    assert.equal(server.connections, 2);
  },
);

test('a full agent does not hide that it was the server’s fault', KEEPS_SHORT, async (t) => {
  const { get } = await stage(t, (_req, res) => res.writeHead(200, { 'Keep-Alive': 'timeout=1' }).end(), {
    agent: { maxTotalSockets: 1 },
  });
  assert.equal(refusal(await get()), 'keep-alive refused: the server keeps idle connections too briefly');
});

test('a connection that the server closes right after the response is put into the pool, and found dead there', async (t) => {
  const { get } = await stage(t, (_req, res) => {
    res.writeHead(200, { 'Content-Length': 2 }).flushHeaders();
    res.socket?.end('ok');
  });
  const r1 = await get();
  await closed(r1.recorder.args('gotConn')[0].socket);
  const r2 = await get();
  assert.deepEqual([r1.recorder.story(), r2.recorder.story()], [PUT, PUT]);
});

test('a connection that the server closes while the body waits to be read is not offered to the pool', async (t) => {
  const { get } = await stage(t, (_req, res) => {
    res.writeHead(200, { 'Content-Length': 2 }).flushHeaders();
    res.socket?.end('ok');
  });
  const order: string[] = [];
  const older = { roundTripDone: () => void order.push('done') };
  const r1 = await context.with(withClientTrace(context.active(), older), () =>
    get({
      onResponse: async (res, req) => {
        res.pause();
        if (req.socket) await closed(req.socket);
        order.push('read');
        res.resume();
      },
    }),
  );
  assert.deepEqual([r1.body, order], ['ok', ['read', 'done']]);
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
});

test('a connection that the application ends itself is refused by the pool', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ onResponse: (res, req) => res.on('end', () => req.socket?.end()) });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI!connection is in bad state RT');
});

test('a connection that only the request wanted closed is kept by Node, and told as kept', async (t) => {
  const { get } = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const r1 = await get({ headers: { Connection: 'close' } });
  assert.equal(r1.recorder.story(), PUT);
});

test('an idle connection that the agent’s timeout closes is not reused', async (t) => {
  const { get } = await stage(t, undefined, { agent: { timeout: 30 } });
  const r1 = await get();
  await closed(r1.recorder.args('gotConn')[0].socket);
  const r2 = await get();
  assert.equal(r1.recorder.story(), PUT);
  assert.equal(r2.recorder.story(), PUT);
});

test('without an agent every request dials, closes, and puts nothing into a pool', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({ agent: false });
  const r2 = await get({ agent: false });
  for (const { recorder } of [r1, r2])
    assert.equal(recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
  assert.deepEqual(fields(r1, 'Connection'), [['close']]);
  assert.equal(server.connections, 2);
});

test('the pool’s order is the agent’s: the idle time belongs to the connection taken', async (t) => {
  const { get, outcomes } = await twoAtOnce(t, { scheduling: 'fifo' });
  const r3 = await get();
  assert.equal(r3.recorder.args('gotConn')[0].socket, outcomes[0].recorder.args('gotConn')[0].socket);
});
