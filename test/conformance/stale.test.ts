import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { GetOptions, Outcome } from '../support/client';
import { closed, conformance, rawStage, type Stage, stage } from './stage';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that answers the first request of every connection, and closes the connection instead of answering the second. */
function dyingStage(t: TestContext, die: 'destroy' | 'resetAndDestroy' = 'destroy'): Promise<Stage> {
  return rawStage(t, (socket) => {
    socket.once('data', () => {
      socket.write(OK);
      socket.once('data', () => socket[die]());
    });
  });
}

function assertStale({ recorder, error }: Outcome): void {
  const { reused, wasIdle, idleTime } = recorder.args('gotConn')[0];
  assert.deepEqual([reused, wasIdle], [true, true]);
  assert.ok(idleTime > 0);
  assert.equal(error?.code, 'ECONNRESET');
  assert.deepEqual(recorder.args('roundTripDone'), [error]);
}

async function askTwice(t: TestContext, options: GetOptions): Promise<Outcome[]> {
  const { server, get } = await dyingStage(t);
  const r1 = await get();
  const r2 = await get(options);
  assertStale(r2);
  assert.equal(server.connections, 1);
  return [r1, r2];
}

conformance('stale', {
  stale_idle_detected: async (t) => {
    const { get } = await rawStage(t, (socket) =>
      socket.once('data', () => {
        socket.write(OK);
        setTimeout(() => socket.end(), 20);
      }),
    );
    const r1 = await get();
    await closed(r1.recorder.args('gotConn')[0].socket);
    const r2 = await get();
    assert.equal(r2.recorder.args('gotConn')[0].reused, false);
    return [r1, r2];
  },

  stale_idle_retry_get: (t) => askTwice(t, {}),

  stale_idle_post_not_retried: (t) => askTwice(t, { method: 'POST', body: 'hello' }),

  stale_idle_post_idempotency_key_retried: (t) =>
    askTwice(t, { method: 'POST', body: 'hello', headers: { 'Idempotency-Key': '1' } }),

  stale_idle_two_retries: async (t) => {
    const { server, get } = await dyingStage(t);
    const [r1, r2] = await Promise.all([get(), get()]);
    const r3 = await get();
    assertStale(r3);
    assert.equal(server.connections, 2);
    return [r1, r2, r3];
  },
});

test('a stale connection shows how long it was idle together with the error it fails with', async (t) => {
  const { get } = await dyingStage(t, 'resetAndDestroy');
  await get();
  await pause(60);
  const r2 = await get();
  assertStale(r2);
  assert.ok(r2.recorder.args('gotConn')[0].idleTime >= 50);
  assert.equal(r2.recorder.story(), 'GC GO HF WH WR RT!ECONNRESET error!ECONNRESET');
});

test('a request sent while the server’s FIN is under way fails as stale, or is given a new connection by a Node that looks whether the idle one is alive', async (t) => {
  let hangUp = () => {};
  const { get } = await rawStage(t, (socket) => {
    hangUp = () => socket.destroy();
    socket.once('data', () => socket.write(OK));
  });
  await get();
  await pause(20);
  // In one tick: neither end has heard of the other's step.
  hangUp();
  const r2 = await get();
  // 22.23.5, 24.22.3, 26.12.1 look; 20.20 does not.
  if (r2.error === undefined) {
    assert.equal(r2.recorder.args('gotConn')[0].reused, false);
    assert.match(r2.recorder.sequence(), /^GC (DS DD )?(CS CD!\w+ )*CS CD GO HF WH WR FB PI RT$/);
    return;
  }
  assertStale(r2);
  assert.match(r2.recorder.sequence(), /^GC GO HF WH WR(!\w+)? RT!(ECONNRESET|EPIPE)$/);
});

test('an application that retries gets a round trip of its own for each attempt', async (t) => {
  const { server, agent, get } = await stage(t, (req, res) => {
    if (req.url === '/dies' && server.connections === 1) req.socket.destroy();
    else res.end();
  });
  await get();
  const r2 = await get({}, '/dies');
  const r3 = await get({}, '/dies');
  assertStale(r2);
  assert.equal(r3.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});
