import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type ClientRequest } from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import tls from 'node:tls';
import { HttpTraceInstrumentation } from '../src';
import { send } from './support/client';
import { collectDiag } from './support/diag';
import { serve } from './support/servers';
import { assertCrashesTheSame, assertSeesTheSame, runFixture } from './support/transparency';

test('a program sees the same with and without us: events and their order, listeners, shapes, errors, names', () => {
  assertSeesTheSame('program', 5_000);
});

for (const crash of ['refused', 'reset', 'garbage', 'response listener throws', 'socket error'])
  test(`a program that crashes crashes in the same way: ${crash}`, () => {
    assertCrashesTheSame('crash', crash);
  });

test('a library that mocks requests may have replaced ClientRequest before we are loaded', () => {
  assert.equal(
    runFixture('overridden', [], true).stdout.trim(),
    'GC DS DD CS CD GO HF WH WR FB response RT end',
  );
});

const PATCHED: [object, string[]][] = [
  [http.Agent.prototype, ['addRequest', 'createSocket', 'emit']],
  [http.ClientRequest.prototype, ['onSocket', '_send', 'emit']],
  [http.IncomingMessage.prototype, ['emit']],
  [net.Socket.prototype, ['connect']],
  [tls.TLSSocket.prototype, ['_start']],
];
const descriptors = () =>
  PATCHED.map(([owner, names]) => names.map((name) => Object.getOwnPropertyDescriptor(owner, name)));

test('disable() takes every patch back, however often it is enabled and disabled', () => {
  const before = descriptors();
  const ours = new HttpTraceInstrumentation();
  for (let i = 0; i < 3; i++) {
    ours.enable();
    ours.enable();
    assert.notDeepEqual(descriptors(), before);
    ours.disable();
    ours.disable();
    assert.deepEqual(descriptors(), before);
  }
});

test('what only followed requests need is patched with the first of these, which tells everything already; disable() takes it back', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(() => server.close());
  const before = descriptors();
  const told: string[] = [];
  let isFollowed = false;
  const note = (hook: string) => () => void told.push(hook);
  const hooks = { wroteHeaders: note('wroteHeaders'), roundTripDone: note('roundTripDone') };
  const ours = new HttpTraceInstrumentation({
    mode: 'off',
    clientTrace: () => (isFollowed ? hooks : undefined),
  });
  for (let i = 1; i <= 2; i++) {
    ours.enable();
    const enabled = descriptors();
    await send(new URL(server.origin));
    assert.deepEqual(descriptors(), enabled);
    assert.deepEqual(enabled[2], before[2], 'IncomingMessage');
    isFollowed = true;
    await send(new URL(server.origin));
    isFollowed = false;
    await new Promise(setImmediate);
    assert.deepEqual(told.splice(0), ['wroteHeaders', 'roundTripDone']);
    assert.notDeepEqual(descriptors()[2], before[2]);
    ours.disable();
    assert.deepEqual(descriptors(), before);
  }
});

test('two instrumentations: the patches stay until both are disabled', () => {
  const before = descriptors();
  const first = new HttpTraceInstrumentation();
  const during = descriptors();
  const second = new HttpTraceInstrumentation();
  assert.deepEqual(descriptors(), during);
  first.disable();
  assert.deepEqual(descriptors(), during);
  second.disable();
  assert.deepEqual(descriptors(), before);
});

test('where somebody patched on top, disable() leaves their patch and ours passes through; enable() brings it back', () => {
  const messages = collectDiag();
  const prototype = http.ClientRequest.prototype as unknown as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const original = prototype.onSocket;
  const ours = new HttpTraceInstrumentation();
  const below = prototype.onSocket;
  const theirs = Object.assign(
    function onSocket(this: unknown, ...args: unknown[]) {
      return below?.apply(this, args);
    },
    { __original: below },
  );
  prototype.onSocket = theirs;
  ours.disable();
  assert.equal(prototype.onSocket, theirs);
  assert.ok(messages.some(({ text }) => /onSocket was patched by somebody else/.test(text)));
  ours.enable();
  assert.equal(prototype.onSocket, theirs, 'not wrapped a second time');
  assert.ok(below);
  prototype.onSocket = below;
  ours.disable();
  assert.equal(prototype.onSocket, original);
});

/** Makes a request; returns how its parser's prototype has `execute`, and how many listen to the socket's data when the application is given the socket. */
async function parserAndListeners(origin: string): Promise<[PropertyDescriptor | undefined, number]> {
  const req = http.get(origin);
  const [socket] = await once(req, 'socket');
  const prototype = Object.getPrototypeOf((req as ClientRequest & { parser: object }).parser);
  const listeners = socket.listenerCount('data');
  const [res] = await once(req, 'response');
  await text(res);
  return [Object.getOwnPropertyDescriptor(prototype, 'execute'), listeners];
}

test("the first byte is seen in front of Node's parser: without a listener on the socket, and until disable()", async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(() => server.close());
  const before = await parserAndListeners(server.origin);
  let firstBytes = 0;
  const clientTrace = () => ({ gotFirstResponseByte: () => void firstBytes++ });
  const ours = new HttpTraceInstrumentation({ mode: 'off', clientTrace });
  t.after(() => ours.disable());
  for (let i = 1; i <= 2; i++) {
    const [execute, listeners] = await parserAndListeners(server.origin);
    assert.notEqual(execute?.value, before[0]?.value);
    assert.equal(execute?.value.name, before[0]?.value.name);
    assert.equal(execute?.value.length, before[0]?.value.length);
    assert.equal(listeners, before[1]);
    assert.equal(firstBytes, i);
  }
  ours.disable();
  assert.deepEqual(await parserAndListeners(server.origin), before);
  assert.equal(firstBytes, 2);
});
