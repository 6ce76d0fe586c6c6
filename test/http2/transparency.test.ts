import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import http2 from 'node:http2';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { serveHttp2 } from '../support/http2';
import { answer } from '../support/http2stage';

function run(fixture: string, args: string[], traced: boolean) {
  const env = { ...process.env, TRACE: traced ? '1' : '0', NODE_DEBUG: '' };
  const file = join(__dirname, '../fixtures', `${fixture}.js`);
  return spawnSync(process.execPath, [file, ...args], { env, encoding: 'utf8', timeout: 60_000 });
}

test('a program that uses http2 sees the same with and without us: events and their order, listeners, shapes, errors', () => {
  const untraced = run('http2program', [], false);
  const traced = run('http2program', [], true);
  assert.equal(traced.stdout, untraced.stdout);
  assert.equal(traced.status, 0);
  assert.ok(untraced.stdout.length > 5_000, untraced.stderr);
  assert.ok(Number(traced.stderr) > Number(untraced.stderr) + 30, `spans: ${traced.stderr}`);
});

for (const crash of [
  'refused, with no listener of the stream',
  'refused, with no listener of the session',
  'reset stream',
  'listener throws',
])
  test(`a program that crashes crashes in the same way: ${crash}`, () => {
    const untraced = run('http2crash', [crash], false);
    const traced = run('http2crash', [crash], true);
    assert.equal(traced.status, untraced.status);
    assert.notEqual(traced.status, 0);
    const [errors, expected] = [traced.stderr, untraced.stderr].map((text) =>
      text
        .replaceAll(/:\d+/g, ':PORT')
        .split('\n')
        .filter((line) => /^(\w*Error|\s+(errno|code|syscall|address|cause):)/.test(line)),
    );
    assert.deepEqual(errors, expected);
    assert.ok(expected?.length);
  });

test('disable() leaves nothing of ours on sessions and streams', async (t) => {
  const server = await serveHttp2(answer);
  t.after(() => server.close());
  const session = http2.connect(server.origin);
  t.after(() => session.destroy());
  const prototype = Object.getPrototypeOf(session);
  const { request } = prototype;
  for (let i = 0; i < 3; i++) {
    const instrumentation = new HttpTraceInstrumentation();
    assert.notEqual(prototype.request, request);
    const stream = session.request();
    const streams = Object.getPrototypeOf(stream);
    assert.ok(Object.hasOwn(streams, 'emit') && Object.hasOwn(prototype, 'emit'));
    await new Promise((resolve) => stream.resume().on('close', resolve));
    instrumentation.disable();
    assert.equal(prototype.request, request);
    assert.equal(session.emit, EventEmitter.prototype.emit);
    assert.ok(!Object.hasOwn(streams, 'emit') && !Object.hasOwn(prototype, 'emit'));
  }
});

const IMPORTS = `
  import { connect } from 'node:http2';
  const { HttpTraceInstrumentation } = await import(process.argv[1]);
  let told = '';
  new HttpTraceInstrumentation({ mode: 'off', clientTrace: () => ({ connectDone: () => (told += 'CD '), gotConn: () => (told += 'GO') }) });
  const session = connect('http://127.0.0.1:' + process.argv[2]);
  session.request().resume().on('close', () => { console.log(told); session.close(); });
`;

test('functions of node:http2 that were imported by name before us are seen', async (t) => {
  const server = await serveHttp2(answer);
  t.after(() => server.close());
  const { spawn } = await import('node:child_process');
  const entry = join(__dirname, '../../src/index.js');
  const args = ['--input-type=module', '-e', IMPORTS, '--', entry, String(server.port)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  await new Promise((resolve) => child.on('close', resolve));
  assert.equal(stdout, 'CD GO\n');
});
