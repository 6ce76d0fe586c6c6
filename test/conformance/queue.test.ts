import assert from 'node:assert/strict';
import type { ClientRequest } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { GetOptions, Outcome } from '../support/client';
import { heldLookup, lookupOf } from '../support/dns';
import { gate } from '../support/gate';
import { closedPort } from '../support/servers';
import { conformance, stage } from './stage';

const NEW = 'GC CS CD GO HF WH WR FB response end PI RT';
const REUSED = 'GC GO HF WH WR FB response end PI RT';
const how = ({ recorder }: Outcome) => {
  const { reused, wasIdle, idleTime } = recorder.args('gotConn')[0];
  return { reused, wasIdle, idleTime };
};
const coded = (code: string) => Object.assign(new Error(code), { code });
const HANDED_OVER = { reused: true, wasIdle: false, idleTime: 0 };
const DIALLED = { reused: false, wasIdle: false, idleTime: 0 };

conformance('queue', {
  max_conns_per_host_1_queue: async (t) => {
    const { server, get } = await stage(t, (_req, res) => setTimeout(() => res.end(), 30), {
      agent: { maxSockets: 1 },
    });
    const outcomes = await Promise.all([get(), get()]);
    assert.deepEqual(outcomes.map(how), [DIALLED, HANDED_OVER]);
    assert.equal(server.connections, 1);
    return outcomes;
  },

  late_binding_idle_conn_wins: async (t) => {
    const { server, outcomes, get } = await secondLookupEndsLater(t, '127.0.0.1');
    const r3 = await get();
    assert.deepEqual(outcomes.map(how), [DIALLED, DIALLED]);
    assert.deepEqual([how(r3).reused, how(r3).wasIdle, server.connections], [true, true, 2]);
    return [...outcomes, r3];
  },

  late_binding_dial_fails_later: async (t) => {
    const { server, agent, outcomes } = await secondLookupEndsLater(t, '127.0.0.2');
    assert.equal(outcomes[1].recorder.args('connectDone')[1], `127.0.0.2:${server.port}`);
    assert.equal(Object.values(agent.freeSockets).flat().length, 1);
    return outcomes;
  },
});

/** A second request begins while a first has the connection; its lookup is answered, with `address`, when that connection is idle. */
async function secondLookupEndsLater(t: TestContext, address: string) {
  const { server, agent, get } = await stage(t, (req, res) => {
    if (req.url === '/first') res.flushHeaders();
    else res.end();
    finish.opened.then(() => res.end());
  });
  const finish = gate();
  const responded = gate<unknown>();
  const held = heldLookup(1, lookupOf(address));
  const race = (options: GetOptions, path?: string) =>
    get({ hostname: 'race.test', port: server.port, lookup: lookupOf('127.0.0.1'), ...options }, path);
  const first = race({ onResponse: responded.open }, '/first');
  await responded.opened;
  const second = race({ lookup: held.lookup });
  await held.asked;
  finish.open();
  const r1 = await first;
  held.answer();
  return { server, agent, get: () => race({}), outcomes: [r1, await second] as const };
}

test('a queued request whose connection closes before it is its turn dials, and the dial is its own', async (t) => {
  const { server, get } = await stage(t, (_req, res) => res.writeHead(200, { Connection: 'close' }).end(), {
    agent: { maxSockets: 1 },
  });
  const outcomes = await Promise.all([get(), get(), get()]);
  for (const outcome of outcomes) {
    assert.equal(outcome.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
    assert.deepEqual(how(outcome), DIALLED);
  }
  assert.equal(server.connections, 3);
});

test('a dial made for a queued request is told to that request, though another one’s end has caused it', async (t) => {
  const { server, get } = await stage(t, (_req, res) => res.writeHead(200, { Connection: 'close' }).end(), {
    agent: { maxSockets: 1, maxTotalSockets: 1 },
  });
  const [r1, r2] = await Promise.all([
    get({ hostname: 'one.test', port: server.port, lookup: lookupOf('127.0.0.1') }),
    get({ hostname: 'two.test', port: server.port, lookup: lookupOf('127.0.0.1') }),
  ]);
  assert.deepEqual(r1?.recorder.args('dnsStart'), [{ host: 'one.test' }]);
  assert.deepEqual(r2?.recorder.args('dnsStart'), [{ host: 'two.test' }]);
  for (const { recorder } of [r1, r2])
    assert.equal(recorder.story(), 'GC DS DD CS CD GO HF WH WR FB response RT end');
});

for (const [way, giveUp, code] of [
  ['destroy()', (req) => req.destroy(), 'ECONNRESET'],
  ['destroy(err)', (req) => req.destroy(coded('ENOUGH')), 'ENOUGH'],
  ['an AbortSignal', (_req, abort) => abort.abort(), 'ABORT_ERR'],
] as const satisfies [string, (req: ClientRequest, abort: AbortController) => void, string][])
  test(`a queued request given up by ${way} ends without a connection, and the next in the queue gets it`, async (t) => {
    const finish = gate();
    const { server, get } = await stage(
      t,
      (req, res) => {
        if (req.url === '/first') finish.opened.then(() => res.end());
        else res.end();
      },
      { agent: { maxSockets: 1 } },
    );
    const abort = new AbortController();
    const first = get({}, '/first');
    const queued = gate<ClientRequest>();
    const aborted = get({ signal: abort.signal, onRequest: (req) => queued.open(req.end()) });
    const next = get();
    giveUp(await queued.opened, abort);
    finish.open();
    const outcomes = await Promise.all([first, aborted, next]);
    assert.deepEqual(
      outcomes.map(({ recorder }) => recorder.story()),
      [NEW, `GC RT!${code} error!${code}`, REUSED],
    );
    assert.deepEqual(how(outcomes[2]), HANDED_OVER);
    assert.equal(server.connections, 1);
  });

test('a dial that is made for a request given up in the queue is told to the next one, which uses it', async (t) => {
  const finish = gate();
  const { server, get } = await stage(
    t,
    (_req, res) => {
      finish.opened.then(() => res.writeHead(200, { Connection: 'close' }).end());
    },
    { agent: { maxSockets: 1 } },
  );
  const first = get();
  const queued = gate<ClientRequest>();
  const aborted = get({ onRequest: (req) => queued.open(req.end()) });
  const next = get();
  (await queued.opened).destroy();
  finish.open();
  const [, r2, r3] = await Promise.all([first, aborted, next]);
  assert.equal(r2.recorder.story(), 'GC RT!ECONNRESET error!ECONNRESET');
  assert.equal(r3.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
  assert.deepEqual(how(r3), DIALLED);
  assert.equal(server.connections, 2);
});

test('a connection that was idle once is handed over as one that was not', async (t) => {
  const { get } = await stage(t, undefined, { agent: { maxSockets: 1 } });
  await get();
  const [r2, r3] = await Promise.all([get(), get()]);
  assert.deepEqual([how(r2).wasIdle, how(r3)], [true, HANDED_OVER]);
});

test('a queued request aborted right after it got its connection writes nothing on it, and the next in the queue gets it', async (t) => {
  const { server, get } = await stage(t, undefined, { agent: { maxSockets: 1 } });
  const first = get();
  const aborted = get({
    onRequest: (req) => {
      req.end();
      // Given the socket, but not told so yet.
      const { onSocket } = req;
      req.onSocket = (socket) => {
        onSocket.call(req, socket);
        req.destroy();
      };
    },
  });
  const next = get();
  const outcomes = await Promise.all([first, aborted, next]);
  assert.deepEqual(
    outcomes.map(({ recorder }) => recorder.story()),
    [NEW, 'GC GO WR!ECONNRESET RT!ECONNRESET error!ECONNRESET', REUSED],
  );
  assert.deepEqual(how(outcomes[2]), HANDED_OVER);
  assert.equal(server.connections, 1);
});

test('when the dial of the first in a queue fails, the next dials for itself', async (t) => {
  const port = await closedPort();
  const { agent, get } = await stage(t, undefined, { agent: { maxSockets: 1 } });
  const outcomes = await Promise.all([get({ port }), get({ port })]);
  for (const { recorder } of outcomes)
    assert.equal(recorder.story(), 'GC CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED');
  assert.equal(Object.keys(agent.requests).length, 0);
});
