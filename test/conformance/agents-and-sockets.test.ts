import assert from 'node:assert/strict';
import { test } from 'node:test';
import { send } from '../support/client';
import { lookupOf } from '../support/dns';
import { rawStage, stage } from './stage';

const PUT = 'GC CS CD GO HF WH WR FB response end PI RT';

test('a connection that an untraced request has opened and used is reused, and tells how long it was idle', async (t) => {
  const { server, agent, get } = await stage(t);
  await send(new URL(`http://${server.address}`), { agent });
  const r2 = await get();
  const { reused, wasIdle, idleTime } = r2.recorder.args('gotConn')[0];
  assert.deepEqual([reused, wasIdle, idleTime > 0, server.connections], [true, true, true, 1]);
  assert.equal(r2.recorder.story(), 'GC GO HF WH WR FB response end PI RT');
});

test('an untraced request between two traced ones starts the idle time anew', async (t) => {
  const { server, agent, get } = await stage(t);
  await get();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const before = performance.now();
  await send(new URL(`http://${server.address}`), { agent });
  const r3 = await get();
  assert.ok(r3.recorder.args('gotConn')[0].idleTime <= performance.now() - before);
});

test('an agent that is destroyed takes the running requests with it', async (t) => {
  const { agent, get } = await rawStage(t, (socket) => socket.once('data', () => agent.destroy()));
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR RT!ECONNRESET error!ECONNRESET');
});

test('an agent whose keepSocketAlive says no refuses the connection, and no server is blamed for it', async (t) => {
  const { agent, get } = await stage(t);
  Object.assign(agent, { keepSocketAlive: () => false });
  const r1 = await get();
  assert.equal(
    r1.recorder.story(),
    'GC CS CD GO HF WH WR FB response end PI!keep-alive refused by the agent RT',
  );
});

test('an agent whose limit was lowered meanwhile refuses the connection', async (t) => {
  const { agent, get } = await stage(t, (_req, res) => {
    agent.maxTotalSockets = 0;
    res.end();
  });
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI!too many connections RT');
});

test('an agent without keep-alive but with a limit hands its connections over all the same', async (t) => {
  const { server, get } = await stage(t, undefined, { agent: { keepAlive: false, maxSockets: 1 } });
  const [r1, r2] = await Promise.all([get(), get()]);
  assert.equal(r1.recorder.story(), PUT);
  assert.equal(r2.recorder.story(), 'GC GO HF WH WR FB response end RT');
  assert.equal(server.connections, 1);
});

test('a request given up in the tick in which it is made ends before it dials', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ onRequest: (req) => req.destroy() });
  assert.match(r1.recorder.story(), /^GC( CS CD!ECONNRESET)? RT!ECONNRESET error!ECONNRESET$/);
});

test('the request after one that was given up in its first tick says where its connection comes from', async (t) => {
  const { server, get } = await stage(t);
  const [r1, r2] = await Promise.all([
    get({ onRequest: (req) => req.destroy() }),
    new Promise((resolve) => setTimeout(resolve, 30)).then(() => get()),
  ]);
  assert.equal(r1.recorder.count('gotConn'), 0);
  assert.match(r2.recorder.story(), /^GC (CS CD )?GO HF WH WR FB response end PI RT$/);
  const { reused, wasIdle } = r2.recorder.args('gotConn')[0];
  // Go, too, calls a connection from the pool reused though it has carried nothing.
  assert.equal(reused, r2.recorder.count('connectStart') === 0);
  assert.equal(wasIdle, reused);
  assert.ok(server.connections <= 2);
});

test('header fields given as a list are told as they are sent', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({
    headers: ['Host', server.address, 'X-B', '1', 'x-b', '2', 'Accept', '*/*'] as never,
  });
  const fields = r1.recorder.calls.filter(({ hook }) => hook === 'wroteHeaderField').map(({ args }) => args);
  assert.deepEqual(fields.slice(0, 3), [
    ['Host', [server.address]],
    ['X-B', ['1', '2']],
    ['Accept', ['*/*']],
  ]);
});

test('default ports are filled in, and left out of the Host header by Node', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ hostname: 'one.test', port: '', lookup: lookupOf('not.an.address') });
  assert.deepEqual(r1.recorder.args('getConn'), ['one.test:80']);
});

test('requests at once each have their own recorder and connection', async (t) => {
  const { server, get } = await stage(t);
  const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => get({}, `/${i}`)));
  for (const [i, { recorder }] of outcomes.entries()) {
    assert.equal(recorder.story(), PUT);
    assert.equal(recorder.args('gotConn')[0].socket.localPort, server.remotePorts.get(`/${i}`));
  }
});
