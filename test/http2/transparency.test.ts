import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import http2 from 'node:http2';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { serveHttp2 } from '../support/http2';
import { answer } from '../support/http2stage';
import { assertCrashesTheSame, assertSeesTheSame } from '../support/transparency';

test('a program that uses http2 sees the same with and without us: events and their order, listeners, shapes, errors', () => {
  assertSeesTheSame('http2program', 5_000);
});

for (const crash of [
  'refused, with no listener of the stream',
  'refused, with no listener of the session',
  'reset stream',
  'listener throws',
])
  test(`a program that crashes crashes in the same way: ${crash}`, () => {
    assertCrashesTheSame('http2crash', crash);
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
