import assert from 'node:assert/strict';
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import http from 'node:http';
import type net from 'node:net';
import { after, before, test } from 'node:test';
import CacheableLookup from 'cacheable-lookup';
import { HttpTraceInstrumentation } from '../../src';
import { request } from '../support/client';
import { registerContextManager } from '../support/otel';
import type { Recorder } from '../support/recorder';
import { serve, type TestServer } from '../support/servers';

registerContextManager();
new HttpTraceInstrumentation({ mode: 'off' });

let server: TestServer;
before(async () => {
  server = await serve((_req, res) => res.end('hello'));
});
after(() => server.close());

const coalesced = (recorder: Recorder) => recorder.args('dnsDone')[0].coalesced;
const together = (count: number, lookup?: net.LookupFunction) =>
  Promise.all(
    Array.from({ length: count }, () =>
      request(server, '/', { agent: new http.Agent(), ...(lookup && { lookup }) }),
    ),
  );

type Answer = LookupAddress[];

/** A lookup function that lets concurrent callers wait for one promise, as applications write them. */
function promiseSharing(query: (host: string) => Promise<Answer>): net.LookupFunction {
  const flights = new Map<string, Promise<Answer>>();
  return (host, options: LookupOptions, callback) => {
    const flight = flights.get(host) ?? query(host).finally(() => flights.delete(host));
    flights.set(host, flight);
    flight.then(
      (addresses) => {
        if (options.all) callback(null, addresses);
        else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      },
      (error) => callback(error, ''),
    );
  };
}

const asked = (host: string) =>
  new Promise<Answer>((resolve, reject) =>
    dns.lookup(host, { all: true, family: 4 }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    ),
  );

test('plain dns.lookup shares nothing', async () => {
  for (const { recorder } of await together(5)) assert.equal(coalesced(recorder), false);
});

test('a lookup function that shares a promise: all say so, the one that asked included', async () => {
  const outcomes = await together(5, promiseSharing(asked));
  assert.deepEqual(
    outcomes.map(({ recorder }) => coalesced(recorder)),
    [true, true, true, true, true],
  );
});

test('the same with dns.promises', async () => {
  const outcomes = await together(
    3,
    promiseSharing(async (host) => dns.promises.lookup(host, { all: true, family: 4 })),
  );
  assert.deepEqual(
    outcomes.map(({ recorder }) => coalesced(recorder)),
    [true, true, true],
  );
});

test('a lookup function that asks for each: nothing is shared', async () => {
  const each: net.LookupFunction = (host, options, callback) =>
    void setImmediate(() => dns.lookup(host, { ...options, family: 4 }, callback as () => void));
  for (const { recorder } of await together(4, each)) assert.equal(coalesced(recorder), false);
});

test('an answer from a cache is not shared', async () => {
  const cache: net.LookupFunction = (_host, options, callback) =>
    void setImmediate(() => {
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    });
  for (const { recorder } of await together(4, cache)) assert.equal(coalesced(recorder), false);
});

test('cacheable-lookup: concurrent lookups share, later ones are served from the cache', async () => {
  const cacheable = new CacheableLookup();
  const lookup = cacheable.lookup.bind(cacheable) as unknown as net.LookupFunction;
  const first = await together(3, lookup);
  assert.deepEqual(
    first.map(({ recorder }) => coalesced(recorder)),
    [true, true, true],
  );
  const [later] = await together(1, lookup);
  assert.ok(later);
  assert.equal(coalesced(later.recorder), false);
});
