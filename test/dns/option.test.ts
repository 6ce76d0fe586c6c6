/** The option `coalesceLookups`: what requests and their spans tell, when it is on. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import type http from 'node:http';
import net from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { context, trace } from '@opentelemetry/api';
import { HttpTraceInstrumentation } from '../../src';
import { type GetOptions, type Outcome, request } from '../support/client';
import { ask, countLookups } from '../support/lookups';
import { exporter, registerSdk } from '../support/otel';
import { serve, type TestServer } from '../support/servers';

const provider = registerSdk();
const { queries, restore } = countLookups();
const ours = new HttpTraceInstrumentation();

let server: TestServer;
let secure: TestServer;
before(async () => {
  server = await serve((_req, res) => res.end('ok'));
  secure = await serve((_req, res) => res.end('ok'), { tls: true });
});
beforeEach(() => {
  queries.length = 0;
  exporter.reset();
  ours.enable();
  ours.setConfig({ coalesceLookups: true });
});
after(async () => {
  ours.disable();
  restore();
  await server.close();
  await secure.close();
});

/** A traced request by name, on a connection of its own. */
const get = (options: GetOptions = {}) => request(server, '/', { agent: false, family: 4, ...options });
const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));
const coalesced = ({ recorder }: Outcome) => recorder.args('dnsDone')[0].coalesced;
const told = (outcomes: Outcome[]) => outcomes.map(coalesced);

test('off, as it is by default, requests at once are lookups at once', async () => {
  ours.setConfig({});
  assert.deepEqual(told(await times(3, get)), [false, false, false]);
  assert.equal(queries.length, 3);
});

test('on, requests at once are one lookup, and all are told, the first included', async () => {
  const outcomes = await times(5, get);
  assert.deepEqual(told(outcomes), [true, true, true, true, true]);
  assert.equal(queries.length, 1);
  for (const { recorder, body } of outcomes) {
    assert.equal(body, 'ok');
    assert.deepEqual(recorder.args('dnsDone')[0].addrs, [{ address: '127.0.0.1', family: 4 }]);
    assert.equal(recorder.sequence(), 'GC DS DD CS CD GO HF WH WR FB RT');
  }
});

test('on, a request by itself shares nothing, nor do requests one after the other', async () => {
  for (let i = 1; i <= 2; i++) {
    assert.equal(coalesced(await get()), false);
    assert.equal(queries.length, i);
  }
});

test('on, a lookup of the application’s own is one to share, if it asks the same', async () => {
  const [shared, [err, address]] = await Promise.all([get(), ask('localhost', 4)]);
  assert.equal(err, null);
  assert.equal(address, '127.0.0.1');
  assert.equal(coalesced(shared), true);
  const [alone] = await Promise.all([get(), ask('localhost', { family: 4, all: true })]);
  assert.equal(coalesced(alone), false);
});

test('on, with TLS, and without an agent', async () => {
  const overTls = () => request(secure, '/', { agent: false, family: 4 });
  assert.deepEqual(told(await times(2, overTls)), [true, true]);
  const bare = () =>
    get({ agent: undefined, createConnection: (options) => net.connect(options as net.NetConnectOpts) });
  assert.deepEqual(told(await times(2, bare)), [true, true]);
});

test('on, lookup functions that call dns.lookup, at once or later, share it as well', async () => {
  const atOnce: net.LookupFunction = (...args) => dns.lookup(...args);
  const later: net.LookupFunction = (...args) => void setImmediate(() => dns.lookup(...args));
  for (const lookup of [atOnce, later]) {
    queries.length = 0;
    assert.deepEqual(told(await times(3, () => get({ lookup }))), [true, true, true]);
    assert.equal(queries.length, 1);
  }
});

test('on, a failure is shared, but not its error', async () => {
  const nowhere = `${'x'.repeat(64)}.invalid`;
  const [first, second] = await times(2, () => get({ hostname: nowhere }));
  assert.ok(first && second);
  assert.deepEqual(told([first, second]), [true, true]);
  assert.equal(queries.length, 1);
  assert.notEqual(first.error, second.error);
  assert.equal(first.error?.code, second.error?.code);
  for (const { recorder, error } of [first, second]) assert.equal(recorder.args('dnsDone')[0].err, error);
});

test('on, who gives up before the answer shares nothing, and the others do', async () => {
  let req: http.ClientRequest | undefined;
  const onRequest = (made: http.ClientRequest) => {
    req = made;
    made.end();
  };
  const all = [get({ onRequest }), get(), get()];
  req?.destroy(new Error('enough'));
  assert.deepEqual(told(await Promise.all(all)), [false, true, true]);
  assert.equal(queries.length, 1);
});

test('http.dns.coalesced says so', async () => {
  const attributes = async (count: number, options: GetOptions = {}) => {
    exporter.reset();
    const span = provider.getTracer('test').startSpan('parent');
    await context.with(trace.setSpan(context.active(), span), () => times(count, () => get(options)));
    span.end();
    const lookups = exporter.getFinishedSpans().filter(({ name }) => name === 'http.dns');
    return lookups.map((each) => each.attributes['http.dns.coalesced']);
  };
  assert.deepEqual(await attributes(1), [false]);
  assert.deepEqual(await attributes(3), [true, true, true]);
  ours.setConfig({});
  assert.deepEqual(await attributes(2), [false, false]);
  // A lookup function that shares does so without the option.
  let shared: Promise<dns.LookupAddress> | undefined;
  const lookup: net.LookupFunction = (hostname, _options, callback) => {
    shared ??= dns.promises.lookup(hostname, 4);
    shared.then(({ address, family }) => callback(null, address, family));
  };
  assert.deepEqual(await attributes(3, { lookup }), [true, true, true]);
  assert.deepEqual(await attributes(2, { lookup }), [false, false]);
});

test('it is on while any enabled instrumentation asks for it', async () => {
  const shares = async () => {
    queries.length = 0;
    await times(3, () => ask('localhost'));
    return queries.length === 1;
  };
  assert.equal(await shares(), true);
  ours.setConfig({ coalesceLookups: false });
  assert.equal(await shares(), false);
  const other = new HttpTraceInstrumentation({ mode: 'off', coalesceLookups: true });
  assert.equal(await shares(), true);
  ours.disable();
  assert.equal(await shares(), true);
  other.disable();
  assert.equal(await shares(), false);
  ours.enable();
  assert.equal(await shares(), false);
  other.enable();
  assert.equal(await shares(), true);
  ours.setConfig({ coalesceLookups: true });
  other.disable();
  assert.equal(await shares(), true);
});

for (const [how, switchOff] of [
  ['setConfig', () => ours.setConfig({})],
  ['disable', () => ours.disable()],
] as const)
  test(`switched off by ${how} while lookups are under way: all are answered, and no others join them`, async () => {
    const waiting = [ask('localhost'), ask('localhost')];
    switchOff();
    waiting.push(ask('localhost'));
    for (const [err, address] of await Promise.all(waiting)) {
      assert.equal(err, null);
      assert.equal(typeof address, 'string');
    }
    assert.equal(queries.length, 2);
  });

test('dns.promises.lookup asks for itself', async () => {
  const [first, second] = await times(2, () => dns.promises.lookup('localhost', { all: true }));
  assert.notEqual(first, second);
  assert.deepEqual(first, second);
  assert.equal(queries.length, 0);
});
