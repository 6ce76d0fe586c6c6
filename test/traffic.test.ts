import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { LANES } from '../examples/traffic/lanes';
import { parseOptions } from '../examples/traffic/options';
import { runExample } from './support/program';
import { closedPort, serve } from './support/servers';

const run = (args: string[], env: NodeJS.ProcessEnv = {}) => runExample('traffic/main.js', args, env);

test('the help of the traffic example names its options, and a wrong one is told and nothing begun', async () => {
  const { code, stdout } = await run(['--help']);
  assert.equal(code, 0);
  for (const option of ['--metrics', '--seconds', '--help']) assert.ok(stdout.includes(option), option);
  for (const [args, message] of [
    [['--minutes'], /--minutes/],
    [['--seconds', '0'], /--seconds takes a number from 1 to 86400, not '0'/],
    [['--seconds', '1.5'], /not '1\.5'/],
  ] as const)
    assert.throws(() => parseOptions([...args]), { message });
  const wrong = await run(['http://example.com']);
  assert.match(wrong.stderr, /^traffic: [^\n]*example\.com[^\n]*\n$/);
  assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
});

test('traffic that nobody takes is an error, in one line', async () => {
  const endpoint = `http://localhost:${await closedPort()}`;
  const { code, stdout, stderr } = await run(['--seconds', '1'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  });
  assert.ok(stdout.includes(endpoint));
  assert.match(stderr, /^traffic: not everything was exported: [^\n]+\n$/);
  assert.equal(code, 1);
});

test('Ctrl-C ends the traffic early, and what has been seen is exported', async (t) => {
  const received: string[] = [];
  const running = new EventEmitter();
  const collector = await serve(async (req, res) => {
    received.push(`${req.url} ${await text(req)}`);
    running.emit(req.url ?? '');
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  t.after(collector.close);
  const child = spawn(process.execPath, [join(__dirname, '../examples/traffic/main.js'), '--metrics'], {
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  // The first export comes while it runs: five seconds after the start.
  await once(running, '/v1/metrics');
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  for (const { title } of LANES) assert.match(await said, new RegExp(`^ *\\d+ × ${title}$`, 'm'));
  const spans = received.filter((each) => each.startsWith('/v1/traces')).join('\n');
  for (const path of ['/cold', '/reused', '/queue', '/far', '/refused'])
    assert.ok(spans.includes(path), path);
});
