import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runExample } from './support/program';
import { closedPort } from './support/servers';

/** The spans that are printed, each indented by two below its parent. */
function namesIn(stdout: string): string[] {
  return [...stdout.matchAll(/^( *)(\S+) +[\d.]+ ms$/gm)].map(([, indent, name]) => `${indent}${name}`);
}

/** A request that opened its connection, over TLS, and one that found it open. */
const OVER_TLS = [
  'GET',
  '  http.getconn',
  '    http.dns',
  '    http.connect',
  '    http.tls',
  '  http.wait',
  '  http.receive',
  'GET',
  '  http.wait',
  '  http.receive',
];

test('examples/manual-hooks prints what the example of Go prints, for a real https request', async () => {
  const { code, stdout, stderr } = await runExample('manual-hooks.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(
    stdout,
    /^DNS Info \[.*address: '(127\.0\.0\.1|::1)', family: [46] \}.*\] false\nGot Conn false false 0\n$/s,
  );
});

test('examples/manual-hooks traces the URL it is given', async () => {
  const port = await closedPort();
  const { code, stdout, stderr } = await runExample('manual-hooks.js', [`https://localhost:${port}`]);
  assert.match(stdout, /^DNS Info .* false\n$/s);
  assert.match(stderr, /^.*ECONNREFUSED.*\n$/);
  assert.equal(code, 1);
});

test('examples/spans prints the tree of a cold and of a reused request', async () => {
  const { code, stdout, stderr } = await runExample('spans.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.deepEqual(namesIn(stdout), OVER_TLS);
  assert.match(
    stdout,
    /'http\.conn\.reused': false,.*'http\.conn\.reused': true,.*'http\.conn\.idle_time': /s,
  );
});

test('examples/fetch prints the tree of a cold and of a reused request of fetch, and what its span tells of the connection', async () => {
  const { code, stdout, stderr } = await runExample('fetch.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const names = namesIn(stdout);
  assert.deepEqual(names.slice(0, 6), [
    'GET',
    '  http.getconn',
    '    http.dns',
    '    http.connect',
    '  http.wait',
    '  http.receive',
  ]);
  assert.deepEqual(names.slice(6), ['GET', '  http.wait', '  http.receive']);
  assert.match(
    stdout,
    /'http\.conn\.reused': false,.*'http\.conn\.reused': true,.*'http\.conn\.idle_time': /s,
  );
});

test('examples/events prints the events of a cold and of a reused request', async () => {
  const { code, stdout, stderr } = await runExample('events.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const [, cold = '', reused = ''] = stdout.split(/^GET https:.*$/m);
  const names = (text: string) => [...text.matchAll(/ms {2}http\.(\S+)/g)].map(([, name]) => name).join(' ');
  assert.equal(
    names(cold),
    'getconn.start dns.start dns.done connect.start connect.done tls.start tls.done getconn.done ' +
      'wrote_headers wait.start wait.done receive.start receive.done',
  );
  assert.equal(names(reused), 'wrote_headers wait.start wait.done receive.start receive.done');
});

test('examples/attributes prints the durations of a cold and of a reused request', async () => {
  const { code, stdout, stderr } = await runExample('attributes.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const [, cold = '', reused = ''] = stdout.split(/^GET /m);
  const names = (text: string) =>
    [...text.matchAll(/'http\.(\w+)\.duration': \d/g)].map(([, name]) => name).join(' ');
  assert.equal(names(cold), 'getconn dns connect tls wait receive');
  assert.equal(names(reused), 'wait receive');
});

test('examples/metrics prints what Prometheus would scrape: one connection, closed, and how it was made', async () => {
  const { code, stdout, stderr } = await runExample('metrics.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  for (const line of [
    /^http_client_open_connections\{server_address="localhost",server_port="\d+",http_connection_state="idle",.*\} 0$/m,
    /^http_client_connection_duration_count\{server_address="localhost",server_port="\d+",.*\} 1$/m,
    /^dns_lookup_duration_count\{dns_question_name="localhost",.*\} 1$/m,
    /^http_client_connection_setup_duration_count\{.*phase="tls",.*\} 1$/m,
  ])
    assert.match(stdout, line);
});

test('examples/http2 prints the tree of the first and of the second stream of a session', async () => {
  const { code, stdout, stderr } = await runExample('http2.js');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.deepEqual(namesIn(stdout), OVER_TLS);
  assert.match(stdout, /'http\.conn\.reused': false,.*'http\.conn\.reused': true,/s);
});
