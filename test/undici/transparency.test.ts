import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve } from '../support/servers';
import { assertCrashesTheSame, assertSeesTheSame } from '../support/transparency';
import { CLIENTS, get } from '../support/undici';

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
