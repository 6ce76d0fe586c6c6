import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve } from '../support/servers';
import { assertCrashesTheSame, assertSeesTheSame } from '../support/transparency';
import { CLIENTS, get } from '../support/undici';

import shimmer = require('shimmer');

test('a program sees the same with and without us: results, errors, messages and their order, listeners, names', () => {
  assertSeesTheSame('fetches', 20_000);
});

test('a rejection that nobody handles crashes the program in the same way', () => {
  assertCrashesTheSame('fetches', 'crash');
});

const CHANNELS = [
  'request:create',
  'request:trailers',
  'request:error',
  'client:sendHeaders',
  'client:beforeConnect',
];

/** Of these only as long as somebody follows requests. */
const FOLLOWED = ['request:bodySent', 'request:headers'];

test('disable() leaves nobody subscribed and no channel changed', () => {
  const state = () =>
    CHANNELS.map((name) => {
      const each = channel(`undici:${name}`);
      return [each.hasSubscribers, Reflect.ownKeys(each).includes('publish')];
    });
  const ours = new HttpTraceInstrumentation();
  assert.ok(state().every(([hasSubscribers]) => hasSubscribers));
  ours.disable();
  assert.ok(state().every(([hasSubscribers, isPatched]) => !hasSubscribers && !isPatched));
});

test('what only matters to those who follow requests is subscribed to from the first of these on, until disable()', async () => {
  registerContextManager();
  const areHeard = () => FOLLOWED.map((name) => channel(`undici:${name}`).hasSubscribers);
  const ours = new HttpTraceInstrumentation();
  const server = await serve((_req, res) => res.end('hello'));
  for (const client of CLIENTS.filter(({ skip }) => !skip)) {
    const dispatcher = client.Agent({ connections: 1 });
    const send = () => client.send(server.origin, { dispatcher }).then((answer) => answer.text());
    await send();
    assert.deepEqual(areHeard(), [false, false]);
    await get(client, server.origin, { dispatcher });
    assert.deepEqual(areHeard(), [true, true]);
    ours.disable();
    assert.deepEqual(areHeard(), [false, false]);
    ours.enable();
    const disabling = withClientTrace(context.active(), { getConn: () => ours.disable() });
    await context.with(disabling, send);
    assert.deepEqual(areHeard(), [false, false]);
    ours.enable();
    await dispatcher.destroy();
  }
  ours.disable();
  await server.close();
});

test('under a patch of somebody else’s, what is enabled again sees as much as before, and leaves nobody subscribed', async () => {
  registerContextManager();
  const server = await serve((_req, res) => res.end('hello'));
  for (const client of CLIENTS.filter(({ skip }) => !skip)) {
    const dispatcher = client.Agent({ connections: 1 });
    const ours = new HttpTraceInstrumentation();
    const create = channel('undici:request:create');
    shimmer.wrap(
      create,
      'publish',
      (original) =>
        function (this: unknown, message: unknown) {
          return original.call(this as typeof create, message);
        },
    );
    ours.disable();
    ours.enable();
    const { recorder } = await get(client, server.origin, { dispatcher });
    assert.match(recorder.sequence(), /^GC( DS DD)? CS CD GO HF WH WR FB PI RT$/);
    ours.disable();
    assert.deepEqual(
      FOLLOWED.map((name) => channel(`undici:${name}`).hasSubscribers),
      [false, false],
    );
    shimmer.unwrap(create, 'publish');
    await dispatcher.destroy();
  }
  await server.close();
});

test('a request that is under way when it is disabled and enabled again ends unreported, and the next is traced', async () => {
  registerContextManager();
  const ours = new HttpTraceInstrumentation();
  const server = await serve((req, res) => {
    if (req.url === '/held') {
      ours.disable();
      ours.enable();
    }
    res.end('hello');
  });
  for (const client of CLIENTS.filter(({ skip }) => !skip)) {
    const dispatcher = client.Agent({ connections: 1 });
    const answer = await client.send(`${server.origin}/held`, { dispatcher });
    assert.equal(await answer.text(), 'hello');
    const { recorder } = await get(client, server.origin, { dispatcher });
    assert.match(recorder.sequence(), /^GC( DS DD CS CD)? GO HF WH WR FB PI RT$/);
    await dispatcher.destroy();
  }
  ours.disable();
  await server.close();
});
