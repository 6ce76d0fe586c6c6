/** Lookup functions of the application's that share answers: all that share one tell, the one that asked for it included. */
import assert from 'node:assert/strict';
import type http from 'node:http';
import type { LookupFunction } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type Outcome, request, send } from '../support/client';
import {
  coalesced,
  connect,
  findByCallback,
  findByPromise,
  get,
  late,
  lookupBy,
  queriesFor,
  resolver,
  secure,
  server,
  sharing,
} from './stage';

const SHARING: Record<string, () => Promise<LookupFunction>> = {
  'cacheable-lookup 6': async () => {
    const {
      default: { default: CacheableLookup },
    } = await import('cacheable-lookup');
    return new CacheableLookup({ resolver: resolver() }).lookup as unknown as LookupFunction;
  },
  'cacheable-lookup 7': async () => {
    const { default: CacheableLookup } = await import('cacheable-lookup-7');
    return new CacheableLookup({ resolver: resolver() }).lookup as unknown as LookupFunction;
  },
  'a shared promise': async () => lookupBy(sharing(findByPromise())),
  'a shared promise over callbacks': async () => lookupBy(sharing(findByCallback())),
  'a shared promise, the query made later': async () => lookupBy(sharing(late(findByPromise()))),
  'a shared promise, a function for each request': async () => {
    const find = sharing(findByPromise());
    return (...args) => lookupBy(find)(...args);
  },
  'callbacks called one after the other': async () => byCallbacks((waiting) => waiting()),
  'callbacks called in a tick each': async () => byCallbacks((waiting) => process.nextTick(waiting)),
};

type Answer = Parameters<LookupFunction>[2];

/** A lookup function that collects the callbacks that wait for one query. */
function byCallbacks(call: (waiting: () => void) => void): LookupFunction {
  const find = findByCallback();
  const pending = new Map<string, Answer[]>();
  return (hostname, options, callback) => {
    const waiting = pending.get(hostname);
    if (waiting !== undefined) return void waiting.push(callback);
    pending.set(hostname, [callback]);
    lookupBy(find)(hostname, options, (...answer) => {
      const callbacks = pending.get(hostname) ?? [];
      pending.delete(hostname);
      for (const each of callbacks) call(() => each(...answer));
    });
  };
}

for (const [i, [name, make]] of Object.entries(SHARING).entries()) {
  const host = `shared${i}.test`;
  test(`${name}: all that were given the answer tell so, who asked for it included`, async () => {
    const lookup = await make();
    const outcomes = await Promise.all([get(host, lookup), get(host, lookup), get(host, lookup)]);
    assert.equal(queriesFor(host), 1);
    assert.deepEqual(outcomes.map(coalesced), [true, true, true]);
    for (const { recorder } of outcomes)
      assert.deepEqual(recorder.args('dnsDone')[0].addrs, [{ address: '127.0.0.1', family: 4 }]);
  });

  test(`${name}: one after the other, asked anew or from a cache, nothing is shared`, async () => {
    const lookup = await make();
    for (let n = 0; n < 3; n++) assert.equal(coalesced(await get(`again${i}.test`, lookup)), false);
  });

  test(`${name}: the lookup of another name is not shared`, async () => {
    const lookup = await make();
    const outcomes = await Promise.all([get(`a${i}.test`, lookup), get(`b${i}.test`, lookup)]);
    assert.deepEqual(outcomes.map(coalesced), [false, false]);
  });

  test(`${name}: a failure is shared as well`, async () => {
    const lookup = await make();
    const nowhere = `nowhere${i}.invalid`;
    const outcomes = await Promise.all([get(nowhere, lookup), get(nowhere, lookup)]);
    assert.equal(queriesFor(nowhere), 1);
    assert.deepEqual(outcomes.map(coalesced), [true, true]);
    for (const { recorder, error } of outcomes) assert.equal(recorder.args('dnsDone')[0].err, error);
  });

  test(`${name}: with a request that nobody traces, with one that is given up, over TLS, without an agent`, async () => {
    const lookup = await make();
    const options = { hostname: `u${i}.test`, port: server.port, lookup, agent: false as const };
    const [, traced] = await Promise.all([
      send(new URL('/', server.origin), options),
      get(`u${i}.test`, lookup),
    ]);
    assert.equal(coalesced(traced), true);
    const [asked] = await Promise.all([
      get(`v${i}.test`, lookup),
      send(new URL('/', server.origin), { ...options, hostname: `v${i}.test` }),
    ]);
    assert.equal(coalesced(asked), true);

    let first: http.ClientRequest | undefined;
    const givenUp = get(`g${i}.test`, lookup, {
      onRequest: (req) => {
        first = req;
        req.end();
      },
    });
    const other = get(`g${i}.test`, lookup);
    first?.destroy(new Error('enough'));
    assert.deepEqual([await givenUp, await other].map(coalesced), [false, true]);

    const asker = get(`h${i}.test`, lookup);
    const waiting = get(`h${i}.test`, lookup, { onRequest: (req) => void req.end().destroy() });
    assert.deepEqual([await asker, await waiting].map(coalesced), [false, false]);

    const tls = { agent: false as const, hostname: 'localhost', port: secure.port, lookup };
    const overTls = await Promise.all([1, 2].map(() => request(secure, '/', tls)));
    assert.deepEqual(overTls.map(coalesced), [true, true]);

    // Whose connection it is becomes known when its lookup has begun.
    const bare = () => get(`n${i}.test`, lookup, { agent: undefined, createConnection: connect });
    assert.deepEqual((await Promise.all([bare(), bare()])).map(coalesced), [true, true]);
  });
}

test('a family of addresses makes no other name', async () => {
  const lookup = lookupBy(sharing(findByPromise()));
  const families = [4, 0].map((family) => get('family.test', lookup, { family }));
  assert.deepEqual((await Promise.all(families)).map(coalesced), [true, true]);
});

test('who begins when the answer is there shares nothing, were it in the same turn', async () => {
  const cached = new Map<string, Promise<string>>();
  const find = findByPromise();
  const lookup = lookupBy((hostname) => {
    const found = cached.get(hostname) ?? find(hostname);
    cached.set(hostname, found);
    return found;
  });
  let second: Promise<Outcome> | undefined;
  const first = await get('then.test', lookup, {
    onRequest: (req) => {
      req.on('socket', (socket) =>
        socket.once('lookup', () => {
          second = context.with(ROOT_CONTEXT, () => get('then.test', lookup));
        }),
      );
      req.end();
    },
  });
  assert.ok(second);
  assert.deepEqual([first, await second].map(coalesced), [false, false]);
  assert.equal(queriesFor('then.test'), 1);
});

test('who asked cannot know of one that is given the answer in a later turn', async () => {
  const find = sharing(findByPromise());
  const [first, later] = [find, (hostname: string) => find(hostname).finally(() => setImmediate())].map(
    lookupBy,
  );
  assert.ok(first && later);
  const outcomes = await Promise.all([get('later.test', first), get('later.test', later)]);
  assert.deepEqual(outcomes.map(coalesced), [false, true]);
});

test('a connection that nobody traces has a listener of ours only while a traced request runs', async () => {
  const lookup = lookupBy(sharing(findByPromise()));
  const listeners: number[] = [];
  const untraced = () =>
    send(new URL('/', server.origin), {
      hostname: 'alone.test',
      port: server.port,
      lookup,
      agent: false,
      onRequest: (req) => {
        req.on('socket', (socket) => {
          listeners.push(socket.listenerCount('lookup'));
          socket.on('connect', () => listeners.push(socket.listenerCount('lookup')));
        });
        req.end();
      },
    });
  await untraced();
  assert.deepEqual(listeners.splice(0), [0, 0]);
  await Promise.all([get('alone.test', lookup), untraced()]);
  assert.deepEqual(listeners, [1, 0]);
});
