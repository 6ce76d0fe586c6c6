import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import dns, { type LookupAddress } from 'node:dns';
import http from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

// The resolver below us: it counts what is really asked, and asks it.
const real = dns.lookup;
let queries = 0;
const counting = Object.defineProperties(function lookup(this: unknown, ...args: unknown[]) {
  queries++;
  return (real as (...args: unknown[]) => unknown).apply(this, args);
}, Object.getOwnPropertyDescriptors(real));
dns.lookup = counting as unknown as typeof dns.lookup;

import { HttpTraceInstrumentation } from '../../src';
import { request } from '../support/client';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';

registerContextManager();
const ours = new HttpTraceInstrumentation({ mode: 'off', coalesceLookups: true });

let server: TestServer;
before(async () => {
  server = await serve((_req, res) => res.end('hello'));
});
after(() => server.close());
beforeEach(() => {
  queries = 0;
});

const all = (host: string, options = {}) =>
  new Promise<LookupAddress[]>((resolve, reject) =>
    dns.lookup(host, { all: true, ...options }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    ),
  );
const cold = () => request(server, '/', { agent: new http.Agent() });

test('requests that dial at once share one query, and all say so, the first included', async () => {
  const outcomes = await Promise.all(Array.from({ length: 10 }, cold));
  assert.equal(queries, 1);
  for (const { recorder } of outcomes) {
    assert.equal(recorder.args('dnsDone')[0].coalesced, true);
    assert.ok(recorder.args('dnsDone')[0].addrs.length > 0);
  }
});

test('one that is alone shares nothing, and nothing is kept after the answer', async () => {
  for (let i = 1; i <= 2; i++) {
    assert.equal((await cold()).recorder.args('dnsDone')[0].coalesced, false);
    assert.equal(queries, i);
  }
});

test('different questions are asked separately; the same one in other words is not', async () => {
  const order = dns.getDefaultResultOrder();
  await Promise.all([
    all('localhost'),
    all('localhost', { family: 0 }),
    all('localhost', { family: undefined, order }),
    all('localhost', { family: 4 }),
    all('localhost', { family: 'IPv4' }),
    all('localhost', { hints: dns.ADDRCONFIG }),
    promisify(dns.lookup)('localhost'),
  ]);
  assert.equal(queries, 4);
});

test('nobody gets an array or an error that somebody else may change', async () => {
  const [one, two] = await Promise.all([all('localhost'), all('localhost')]);
  assert.deepEqual(one, two);
  assert.notEqual(one, two);
  assert.notEqual(one[0], two[0]);
  const failures = await Promise.allSettled([all('no.such.host.invalid'), all('no.such.host.invalid')]);
  const [first, second] = failures.map((each) => (each as PromiseRejectedResult).reason);
  assert.notEqual(first, second);
  assert.deepEqual({ ...second }, { ...first });
  assert.equal(second.message, first.message);
  assert.equal(second.stack, first.stack);
  assert.ok(second instanceof Error);
  assert.equal(queries, 2);
});

test('each callback has its own asynchronous context', async () => {
  const storage = new AsyncLocalStorage<number>();
  const seen = await Promise.all(
    [1, 2, 3].map(
      (id) =>
        new Promise((resolve) =>
          storage.run(id, () => dns.lookup('localhost', () => resolve(storage.getStore()))),
        ),
    ),
  );
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(queries, 1);
});

test('an exception in one callback does not starve the others', async () => {
  const errors: Error[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => void errors.push(error));
  const called: number[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 4; i++)
      dns.lookup('localhost', () => {
        called.push(i);
        if (called.length === 4) setImmediate(resolve);
        if (i % 2 === 0) throw new Error(`boom ${i}`);
      });
  });
  process.setUncaughtExceptionCaptureCallback(null);
  assert.deepEqual(called.sort(), [0, 1, 2, 3]);
  assert.deepEqual(errors.map(({ message }) => message).sort(), ['boom 0', 'boom 2']);
});

test('a callback that looks the same host up again asks anew', async () => {
  await new Promise<void>((resolve) =>
    dns.lookup('localhost', () => dns.lookup('localhost', () => resolve())),
  );
  assert.equal(queries, 2);
});

test('what Node refuses is still refused, at once; IP addresses and the shape of the function are Node’s', async () => {
  const call =
    (...args: unknown[]) =>
    () =>
      (dns.lookup as (...args: unknown[]) => unknown)(...args);
  assert.throws(
    call('localhost', { family: '4' }, () => {}),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
  assert.throws(
    call('localhost', { hints: 1 }, () => {}),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
  assert.throws(call('localhost', {}), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(
    call(5, () => {}),
    { code: 'ERR_INVALID_ARG_TYPE' },
  );
  await all('localhost');
  const [one, two] = await Promise.all([all('127.0.0.1'), all('127.0.0.1')]);
  assert.deepEqual(one, two);
  assert.equal(dns.lookup.name, 'lookup');
  assert.equal(dns.lookup.length, real.length);
  assert.equal((await promisify(dns.lookup)('127.0.0.1')).address, '127.0.0.1');
});

test('without the option, and disabled, nothing is shared; disable() restores the function', async () => {
  ours.setConfig({ mode: 'off' });
  await Promise.all([all('localhost'), all('localhost')]);
  assert.equal(queries, 2);
  ours.disable();
  assert.equal(dns.lookup, counting);
});
