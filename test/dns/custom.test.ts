/** Lookup functions of the application's that share nothing, however it may look. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { send } from '../support/client';
import { gate } from '../support/gate';
import { serve } from '../support/servers';
import {
  coalesced,
  connect,
  type Find,
  findByPromise,
  get,
  late,
  lookupBy,
  ours,
  queriesFor,
  resolver,
  server,
  sharing,
} from './stage';

test('a lookup function that asks for every request shares nothing', async () => {
  const lookup = lookupBy(findByPromise());
  const outcomes = await Promise.all([get('each.test', lookup), get('each.test', lookup)]);
  assert.equal(queriesFor('each.test'), 2);
  assert.deepEqual(outcomes.map(coalesced), [false, false]);
  const bare = () => get('bare.test', lookup, { agent: undefined, createConnection: connect });
  assert.deepEqual((await Promise.all([bare(), bare()])).map(coalesced), [false, false]);
});

test('a lookup function that asks for one request after the other shares nothing', async () => {
  const find = findByPromise();
  let last: Promise<unknown> = Promise.resolve();
  const lookup = lookupBy((hostname) => {
    const found = last.then(() => find(hostname));
    last = found;
    return found;
  });
  const outcomes = await Promise.all([1, 2, 3].map(() => get('queue.test', lookup)));
  assert.equal(queriesFor('queue.test'), 3);
  assert.deepEqual(outcomes.map(coalesced), [false, false, false]);
});

test('dns.lookup itself, given or wrapped, shares nothing', async () => {
  const find: Find = async (hostname) => (await dns.promises.lookup(hostname, 4)).address;
  const [byCallback, byPromise] = [promisify(dns.lookup), lookupBy(find)];
  const wrapped = lookupBy(async (hostname) => (await byCallback(hostname, 4)).address);
  for (const lookup of [dns.lookup as LookupFunction, wrapped, byPromise]) {
    const outcomes = await Promise.all([1, 2].map(() => get('localhost', lookup, { family: 4 })));
    assert.deepEqual(outcomes.map(coalesced), [false, false]);
  }
});

/** Has the answer in store, but takes its time: until the gate opens. */
function stored(opened: Promise<void>): LookupFunction {
  return lookupBy(async () => {
    await opened;
    return '127.0.0.1';
  });
}

test('a stored answer is not shared, though the same name is asked for and answered meanwhile', async () => {
  const asked = resolver();
  const { opened, open } = gate();
  const waiting = get('stored.test', stored(opened));
  // The application for itself, and in the context of a connection whose lookup is over.
  await asked.resolve4('stored.test');
  await get('over.test', lookupBy(findByPromise()), {
    onResponse: () => void asked.resolve4('stored.test'),
  });
  while (queriesFor('stored.test') < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await asked.resolve4('stored.test');
  open();
  assert.equal(coalesced(await waiting), false);
});

test('a stored answer is not shared with a connection that Node looks the name up for', async () => {
  const { opened, open } = gate();
  const waiting = get('localhost', stored(opened));
  await get('localhost', undefined as unknown as LookupFunction, { family: 4 });
  open();
  assert.equal(coalesced(await waiting), false);
});

test('a query that was made for many at once belongs to nobody', async () => {
  const find = findByPromise();
  const waiting: { hostname: string; resolve: (address: Promise<string>) => void }[] = [];
  const batch = setInterval(() => {
    for (const { hostname, resolve } of waiting.splice(0)) resolve(find(hostname));
  }, 5);
  const lookup = lookupBy((hostname) => new Promise((resolve) => waiting.push({ hostname, resolve })));
  try {
    assert.equal(coalesced(await get('batch.test', lookup)), false);
  } finally {
    clearInterval(batch);
  }
});

test('a lookup over HTTP is a lookup, and what it looks up for itself is none of the request’s', async (t) => {
  const names = await serve((_req, res) => res.end('127.0.0.1'));
  t.after(() => names.close());
  const find: Find = async () =>
    (await context.with(ROOT_CONTEXT, () => send(new URL('/', names.origin), { agent: false, family: 4 })))
      .body ?? '';
  const outcomes = await Promise.all([1, 2].map(() => get('doh.test', lookupBy(find))));
  for (const outcome of outcomes) {
    assert.equal(outcome.body, 'ok');
    assert.equal(outcome.recorder.count('dnsStart'), 1);
    assert.equal(coalesced(outcome), false);
  }
});

/** Rejections that nobody handles, taken from the test runner for a while. */
function takeUnhandled(t: TestContext): unknown[] {
  const unhandled: unknown[] = [];
  const theirs = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => unhandled.push(reason));
  t.after(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of theirs) process.on('unhandledRejection', listener);
  });
  return unhandled;
}

test('a query of a lookup function whose rejection nobody handles is an unhandled rejection, once', async (t) => {
  const unhandled = takeUnhandled(t);
  const asked = resolver();
  const lookup: LookupFunction = (hostname, options, callback) => {
    void asked.resolve4('unhandled.invalid');
    lookupBy(findByPromise())(hostname, options, callback);
  };
  await get('handled.test', lookup);
  for (let i = 0; i < 1000 && unhandled.length === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    unhandled.map((error) => (error as NodeJS.ErrnoException).code),
    ['ENOTFOUND'],
  );
});

test('disabled while lookups are under way: all are answered', async () => {
  const lookup = lookupBy(sharing(late(findByPromise())));
  const both = [1, 2].map(() =>
    send(new URL('/', server.origin), { hostname: 'off.test', port: server.port, lookup, agent: false }),
  );
  ours.disable();
  try {
    for (const { body } of await Promise.all(both)) assert.equal(body, 'ok');
  } finally {
    ours.enable();
  }
});
