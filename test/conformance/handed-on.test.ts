/** A connection that its request gave up before it was made, or before it was used: who gets it next, and what is told of it. */
import assert from 'node:assert/strict';
import http, { type ClientRequest } from 'node:http';
import { test } from 'node:test';
import { setImmediate as later } from 'node:timers/promises';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Outcome } from '../support/client';
import { heldLookup } from '../support/dns';
import { certificateFor, type Stage, stage } from './stage';

const ONE = { agent: { maxSockets: 1 } };
const ADOPTED = 'GC GO HF WH WR FB response end PI RT';
const how = ({ recorder }: Outcome) => {
  const { reused, wasIdle } = recorder.args('gotConn')[0];
  return { reused, wasIdle };
};
/** Given up in the tick in which it is made, so that its connection goes to the next in the queue. */
const givenUp = (req: ClientRequest) => void req.end().destroy();

for (const tls of [false, true])
  test(`a connection that was given up while it was made serves the next in the queue, which has not dialled${tls ? ', over TLS' : ''}`, async (t) => {
    const certificate = tls && (await certificateFor('127.0.0.1'));
    const { server, get } = await stage(t, undefined, { ...ONE, ...(certificate && { tls: certificate }) });
    const [r1, r2] = await Promise.all([get({ onRequest: givenUp }), get()]);
    assert.equal(r1.recorder.story(), 'GC CS CD!ECONNRESET RT!ECONNRESET error!ECONNRESET');
    assert.equal(r2.recorder.story(), ADOPTED);
    assert.deepEqual(how(r2), { reused: false, wasIdle: false }, 'it has carried nothing');
    const r3 = await get();
    assert.deepEqual(how(r3), { reused: true, wasIdle: true });
    assert.equal(server.connections, 1);
  });

test('the same when nobody traces the request that dialled: what was dialled before the next was made is not its dial', async (t) => {
  const { server, agent, get } = await stage(t, undefined, ONE);
  untraced({ server, agent }).end().destroy();
  const r2 = await get();
  assert.equal(r2.recorder.story(), ADOPTED);
  assert.deepEqual(how(r2), { reused: false, wasIdle: false });
  assert.equal(server.connections, 1);
});

test('whose connection it was before does not change with those that were given up in the queue', async (t) => {
  const { server, agent, get } = await stage(t, undefined, ONE);
  const first = get();
  const aborted = [1, 2].map(() => untraced({ server, agent }).end());
  for (const req of aborted) req.destroy();
  const next = get();
  assert.deepEqual(
    [how(await first), how(await next)],
    [
      { reused: false, wasIdle: false },
      { reused: true, wasIdle: false },
    ],
  );
  await later();
  assert.deepEqual(how(await get()), { reused: true, wasIdle: true });
});

/** From Node 24 on the pool takes connections that are not made yet. */
function assertTakenOrOwn({ recorder }: Outcome, isTaken: boolean): void {
  assert.equal(recorder.story(), isTaken ? ADOPTED : ADOPTED.replace('GC', 'GC DS DD CS CD'));
  assert.deepEqual(how({ recorder }), { reused: isTaken, wasIdle: isTaken });
}

for (const by of ['traced', 'untraced'] as const) {
  test(`neither has who takes it from the pool while its host is looked up, given up by one that was ${by}`, async (t) => {
    const { server, agent, get } = await stage(t);
    const held = heldLookup();
    const target = { hostname: 'handed.test', lookup: held.lookup };
    if (by === 'traced') void get({ ...target, onRequest: givenUp });
    else untraced({ server, agent }, target).end().destroy();
    await later();
    const next = get(target);
    await later();
    held.answer();
    assertTakenOrOwn(await next, held.count === 1);
  });

  test(`nor if it was made for one that was given up in the queue, ${by}`, async (t) => {
    const { server, agent, get } = await stage(
      t,
      (req, res) => res.setHeader('connection', req.url === '/close' ? 'close' : 'keep-alive').end('ok'),
      ONE,
    );
    const held = heldLookup(2);
    const target = { hostname: 'handed.test', lookup: held.lookup };
    const first = get(target, '/close');
    if (by === 'traced') void get({ ...target, onRequest: givenUp });
    else untraced({ server, agent }, target).end().destroy();
    await Promise.all([first, held.asked]);
    await later();
    const next = get(target);
    await later();
    held.answer();
    assertTakenOrOwn(await next, held.count === 2);
  });
}

function untraced(
  { server, agent }: Pick<Stage, 'server' | 'agent'>,
  target: http.RequestOptions = {},
): ClientRequest {
  const options = { host: '127.0.0.1', port: server.port, agent, ...target };
  return context.with(ROOT_CONTEXT, () => http.request(options)).on('error', () => {});
}
