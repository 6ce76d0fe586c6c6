import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions, UsageError } from '../examples/waterfall/options';
import { runExample } from './support/program';
import { closedPort, serve, serveRaw } from './support/servers';
import { one, waterfalls } from './support/waterfalls';

// What its requests look like, waterfall.test.ts tells.

const ESCAPE = '\u{1b}';
const RED = `${ESCAPE}[31m`;

const run = (args: string[] = [], env: NodeJS.ProcessEnv = {}) => runExample('waterfall/main.js', args, env);

test('FORCE_COLOR has colours in a pipe, errors in red; NO_COLOR wins', async () => {
  const url = `http://localhost:${await closedPort()}/`;
  const colored = await run([url], { FORCE_COLOR: '1' });
  assert.ok(colored.stdout.includes(`${RED}ECONNREFUSED${ESCAPE}[39m`));
  assert.ok(colored.stdout.includes(`${RED}  ✗ http.connect: connect ECONNREFUSED`));
  const plain = await run([url], { FORCE_COLOR: '1', NO_COLOR: '1' });
  assert.ok(!plain.stdout.includes(ESCAPE));
  assert.match(plain.stdout, /ECONNREFUSED/);
});

test('a wrong command line is told, with what was written', () => {
  const good = 'http://localhost/';
  const wrong: [string[], RegExp][] = [
    [[good, 'foo'], /^not a URL: 'foo'; did you mean 'https:\/\/foo'\?$/],
    [[good, 'http://'], /^not a URL: 'http:\/\/'$/],
    [[good, 'ftp://example.com/'], /^only http and https can be traced: 'ftp:\/\/example.com\/'$/],
    [[good, 'localhost:8080'], /did you mean 'https:\/\/localhost:8080'\?$/],
    [[good, '--verbose'], /^Unknown option '--verbose'$/],
    [[good, '--repeat'], /^Option '--repeat.* argument missing$/],
    [[good, '--repeat', '0'], /^--repeat takes a number from 1 to 1000, not '0'$/],
    [[good, '--repeat=1.5'], /^--repeat takes a number/],
    [[good, '--timeout', 'soon'], /^--timeout takes a number from 0\.001 to 86400, not 'soon'$/],
    [[good, '--timeout='], /^--timeout takes a number/],
    [['--repeat', '2'], /need a URL$/],
  ];
  for (const [args, message] of wrong)
    assert.throws(() => parseOptions(args), { constructor: UsageError, message }, `${args}`);
});

test('a wrong command line is one line on stderr and exit code 2, before any request', async (t) => {
  const server = await serve((_req, res) => res.end());
  t.after(server.close);
  for (const [wrong, expected] of [
    ['--verbose', /^waterfall: Unknown option '--verbose' \(try --help\)\n$/],
    ['a\n\u{1b}[31mb', /^waterfall: not a URL: 'a \[31mb' \(try --help\)\n$/],
  ] as const) {
    const { code, stdout, stderr } = await run([server.origin, wrong]);
    assert.match(stderr, expected);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  }
  assert.equal(server.connections, 0);
});

test('--help explains options, environment and exit codes, within 80 columns', async () => {
  for (const option of ['--help', '-h']) assert.ok(parseOptions([option]).help);
  const { code, stdout, stderr } = await run(['--help']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  for (const word of [
    'npm start -- ',
    '--repeat',
    '--timeout',
    '--html FILE',
    'Redirects are not followed',
    'Exit codes',
  ])
    assert.ok(stdout.includes(word), word);
  for (const name of ['NO_COLOR', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'NODE_DEBUG=httptrace'])
    assert.ok(stdout.includes(name), name);
  assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 80);
});

test('given URLs are traced one after the other; an error status and a redirect are answers', async (t) => {
  const seen: string[] = [];
  const server = await serve((req, res) => {
    seen.push(`${req.method} ${req.url}`);
    if (req.url === '/moved') res.writeHead(302, { location: '/elsewhere' });
    if (req.url === '/missing') res.writeHead(404);
    res.end('x'.repeat(100_000));
  });
  t.after(server.close);
  const { origin } = server;
  const { code, stdout, stderr } = await run([`${origin}/found`, `${origin}/missing`, `${origin}/moved`]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.deepEqual(seen, ['GET /found', 'GET /missing', 'GET /moved']);
  const printed = waterfalls(stdout);
  assert.deepEqual(
    printed.map(({ title }) => title.replace(/ +[\d.]+ \S+$/, '').replace(/ +/g, ' ')),
    [`GET ${origin}/found 200`, `GET ${origin}/missing 404`, `GET ${origin}/moved 302`],
  );
  assert.doesNotMatch(stdout, /✗|──/);
});

test('--repeat makes each request again, over the connection that was kept', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  const { code, stdout } = await run(['--repeat', '3', server.origin]);
  assert.equal(code, 0);
  const notes = waterfalls(stdout).map((printed) => printed.notes.trim());
  assert.equal(notes.length, 3);
  assert.match(notes[0] ?? '', /^connection 1 · new · request 1 /);
  assert.match(notes[1] ?? '', /^connection 1 · reused · idle for \S+ \S+ · request 2 /);
  assert.match(notes[2] ?? '', /^connection 1 · reused · idle for \S+ \S+ · request 3 /);
  assert.equal(server.connections, 1);
});

test('--timeout ends a request that is not answered, or not to its end, in the phase it had come to', async (t) => {
  const silent = await serveRaw(() => {});
  t.after(silent.close);
  const stalled = await serveRaw((socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello'),
  );
  t.after(stalled.close);
  const phases = new Map([
    [silent, 'http.wait'],
    [stalled, 'http.receive'],
  ]);
  const runs = [...phases].map(async ([server, phase]) => {
    const { code, stdout, stderr } = await run(['--timeout', '2', server.origin]);
    assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
    const { title, notes } = one(waterfalls(stdout));
    assert.match(title, / ERR_TIMEOUT /);
    assert.ok(notes.includes(`✗ ${phase}: ERR_TIMEOUT no complete response within 2 s`), notes);
  });
  await Promise.all(runs);
});
