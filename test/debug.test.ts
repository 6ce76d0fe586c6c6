import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

function run(debug: string) {
  const env = { ...process.env, NODE_DEBUG: debug };
  return spawnSync(process.execPath, [join(__dirname, 'fixtures', 'plain.js')], { env, encoding: 'utf8' });
}

test('NODE_DEBUG=httptrace: a line a phase on stderr, with the request and connection ids', () => {
  const { stderr, stdout, status } = run('httptrace');
  assert.equal(status, 0);
  assert.equal(stdout, '');
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/^HTTPTRACE \d+: /, '')
        .replace(/[\d.]+ ms.*$/, 'MS')
        .replace(/(localhost|127.0.0.1):\d+( after|$)/, '$1:PORT$2'),
    );
  assert.deepEqual(lines, [
    'request 1 connection - http://localhost:PORT',
    'request 1 connection 1 http.dns MS',
    'request 1 connection 1 http.connect MS',
    'request 1 connection 1 http.getconn MS',
    'request 1 connection 1 http.wrote_headers at MS',
    'request 1 connection 1 http.wait MS',
    'request 1 connection 1 http.receive MS',
    'request 1 connection 1 http.put_idle_conn at MS',
    'request 1 connection 1 done after MS',
    'request 2 connection - http://localhost:PORT',
    'request 2 connection 1 http.wrote_headers at MS',
    'request 2 connection 1 http.wait MS',
    'request 2 connection 1 http.receive MS',
    'request 2 connection 1 http.put_idle_conn at MS',
    'request 2 connection 1 done after MS',
    'request 3 connection - http://127.0.0.1:PORT',
    'request 3 connection - http.connect MS',
    'request 3 connection - http.getconn MS',
    'request 3 connection - failed: ECONNREFUSED connect ECONNREFUSED 127.0.0.1:PORT after MS',
  ]);
  assert.match(stderr, /http\.dns [\d.]+ ms dns\.question\.name=localhost dns\.answers=127\.0\.0\.1/);
  assert.match(stderr, /http\.connect [\d.]+ ms .*error\.type=ECONNREFUSED/);
});

test('without it, nothing is printed', () => {
  assert.equal(run('').stderr, '');
});
