import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve } from '../support/servers';
import { CLIENTS, get } from '../support/undici';

function run(args: string[], traced: boolean) {
  const env = { ...process.env, TRACE: traced ? '1' : '0', NODE_DEBUG: '' };
  const file = join(__dirname, '../fixtures/fetches.js');
  return spawnSync(process.execPath, [file, ...args], { env, encoding: 'utf8', timeout: 60_000 });
}

test('a program sees the same with and without us: results, errors, messages and their order, listeners, names', () => {
  const untraced = run([], false);
  const traced = run([], true);
  assert.equal(traced.status, 0, traced.stderr);
  assert.deepEqual(JSON.parse(traced.stdout), JSON.parse(untraced.stdout));
  assert.ok(untraced.stdout.length > 20_000);
  assert.ok(Number(traced.stderr) > Number(untraced.stderr) + 30, `spans: ${traced.stderr}`);
});

test('a rejection that nobody handles crashes the program in the same way', () => {
  const [untraced, traced] = [run(['crash'], false), run(['crash'], true)];
  assert.notEqual(untraced.status, 0);
  assert.equal(traced.status, untraced.status);
  const errors = ({ stderr }: { stderr: string }) =>
    stderr
      .replaceAll(/:\d+/g, ':PORT')
      .split('\n')
      .filter((line) => /Error|code:|syscall:/.test(line));
  assert.deepEqual(errors(traced), errors(untraced));
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
