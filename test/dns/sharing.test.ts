/** Lookup functions of the application's that share answers: it is told by those that were given somebody else's. */
import assert from 'node:assert/strict';
import type http from 'node:http';
import type { LookupFunction } from 'node:net';
import { test } from 'node:test';
import { request, send } from '../support/client';
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
};

for (const [i, [name, make]] of Object.entries(SHARING).entries()) {
  const host = `shared${i}.test`;
  test(`${name}: who was given another's answer was told so, who asked was not`, async () => {
    const lookup = await make();
    const outcomes = await Promise.all([get(host, lookup), get(host, lookup), get(host, lookup)]);
    assert.equal(queriesFor(host), 1);
    assert.deepEqual(outcomes.map(coalesced), [false, true, true]);
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
    assert.deepEqual(outcomes.map(coalesced), [false, true]);
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

    const tls = { agent: false as const, hostname: 'localhost', port: secure.port, lookup };
    const overTls = await Promise.all([1, 2].map(() => request(secure, '/', tls)));
    assert.deepEqual(overTls.map(coalesced), [false, true]);

    // Whose connection it is becomes known when its lookup has begun.
    const bare = () => get(`n${i}.test`, lookup, { agent: undefined, createConnection: connect });
    assert.deepEqual((await Promise.all([bare(), bare()])).map(coalesced), [false, true]);
  });
}
