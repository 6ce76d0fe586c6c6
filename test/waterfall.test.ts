import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Ended, runExample } from './support/program';
import { closedPort, serve, serveRaw } from './support/servers';
import { namesOf, one, type Printed, waterfalls } from './support/waterfalls';

const run = (args: string[] = [], env: NodeJS.ProcessEnv = {}) => runExample('waterfall/main.js', args, env);

// A pipe has no colours, not even where CI is set, which some libraries take for a terminal.
let demo: Promise<Ended> | undefined;
function runDemo(): Promise<Ended> {
  demo ??= run([], { CI: 'true' });
  return demo;
}

async function scene(title: string): Promise<Printed[]> {
  const { stdout } = await runDemo();
  const found = stdout.split(/^── \d+\. /m).find((part) => part.startsWith(`${title} ──`));
  assert.ok(found, `there is a scene ${title}:\n${stdout}`);
  return waterfalls(found);
}

const ESCAPE = '\u{1b}';
const DIAL = '  http.getconn\n    http.dns\n    http.connect';

test('the demo ends by itself with 0, says nothing on stderr and numbers its seven scenes', async () => {
  const { code, stdout, stderr } = await runDemo();
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const headings = [...stdout.matchAll(/^── (\d)\. (.*?) ─+$/gm)].map(
    ([, number, title]) => `${number} ${title}`,
  );
  assert.deepEqual(headings, [
    '1 Cold',
    '2 Reused',
    '3 Queued',
    '4 Expect: 100-continue',
    '5 Slow',
    '6 Refused',
    '7 Untrusted',
  ]);
});

test('a cold request shows lookup, connect and TLS inside http.getconn, and a new connection', async () => {
  const cold = one(await scene('Cold'));
  assert.match(cold.title, /^GET https:\/\/localhost:\d+\/cold +200 +[\d.]+ (ms|s)$/);
  assert.equal(namesOf(cold), `GET\n${DIAL}\n    http.tls\n  http.wait\n  http.receive`);
  assert.match(cold.notes, /^ {2}connection 1 · new · request 1 on this connection · TLS 1\.3/);
  assert.match(cold.notes, /kept for the next request/);
});

test('the same request again shows no http.getconn, and for how long the connection had been idle', async () => {
  const reused = one(await scene('Reused'));
  assert.equal(namesOf(reused), 'GET\n  http.wait\n  http.receive');
  assert.match(
    reused.notes,
    /^ {2}connection 1 · reused · idle for [\d.]+ (ms|s) · request 2 on this connection$/m,
  );
});

test('of three requests over one socket two wait, each until the one before it has its response', async () => {
  const [first, second, third] = await scene('Queued');
  assert.ok(first && second && third);
  assert.equal(namesOf(first), `GET\n${DIAL}\n  http.wait\n  http.receive`);
  assert.doesNotMatch(first.notes, /waited/);
  let before = first;
  for (const [i, queued] of [second, third].entries()) {
    assert.equal(namesOf(queued), 'GET\n  http.getconn\n  http.wait\n  http.receive');
    assert.match(queued.notes, /^ {2}connection 2 · reused · waited in the queue for [\d.]+ (ms|s)$/m);
    assert.match(queued.notes, new RegExp(`request ${i + 2} on this connection`));
    const [waiting, response] = [queued.rows[1], before.rows.at(-1)];
    // A column of tolerance: every trace has a clock of its own, and it starts at a whole millisecond.
    assert.ok(waiting && response && waiting.to >= response.from - 1, 'its wait ends with that response');
    before = queued;
  }
});

test('a body that waits for 100 Continue is seen waiting inside http.send', async () => {
  const upload = one(await scene('Expect: 100-continue'));
  assert.match(upload.title, /^POST https:\S+ +201 /);
  assert.equal(namesOf(upload), 'POST\n  http.send\n  http.receive');
  assert.match(upload.notes, /100 Continue after [\d.]+ (ms|s)/);
});

test('a slow server is seen in http.wait and http.receive', async () => {
  const slow = one(await scene('Slow'));
  assert.equal(namesOf(slow), `GET\n${DIAL}\n  http.wait\n  http.receive`);
  const [wait, receive] = slow.rows.slice(-2);
  assert.ok(wait && receive && receive.from >= wait.to - 1, 'receiving begins where waiting ends');
});

test('a refused connection shows the phase that failed, with its code', async () => {
  const refused = one(await scene('Refused'));
  assert.match(refused.title, / ECONNREFUSED {2}[\d.]+ (µs|ms|s)$/);
  // Two attempts where localhost is also ::1.
  assert.match(namesOf(refused), new RegExp(`^GET\n${DIAL}(\n    http.connect)?$`));
  for (const { name, failed } of refused.rows)
    assert.equal(failed, ['http.getconn', 'http.connect'].includes(name.trim()), name);
  assert.match(refused.notes, /^ {2}✗ http\.connect: connect ECONNREFUSED \S+:\d+$/m);
  assert.match(refused.notes, /no connection that could be used/);
});

test('an untrusted certificate shows that TLS failed, and why', async () => {
  const untrusted = one(await scene('Untrusted'));
  assert.match(untrusted.title, / DEPTH_ZERO_SELF_SIGNED_CERT /);
  assert.equal(namesOf(untrusted), `GET\n${DIAL}\n    http.tls`);
  assert.deepEqual(
    untrusted.rows.map(({ failed }) => failed),
    [false, true, false, false, true],
  );
  assert.match(untrusted.notes, /^ {2}✗ http\.tls: DEPTH_ZERO_SELF_SIGNED_CERT self-signed certificate/m);
});

test('no line of a pipe is longer than 80 columns, and none has an escape code', async () => {
  const { stdout } = await runDemo();
  assert.equal(Math.max(...stdout.split('\n').map((line) => line.length)), 80);
  assert.ok(!stdout.includes(ESCAPE));
});

test('https URLs are traced, and fail when the certificate is not trusted', async (t) => {
  const server = await serve((_req, res) => res.end('hello'), { tls: true });
  t.after(server.close);
  const directory = await mkdtemp(join(tmpdir(), 'waterfall-'));
  const file = join(directory, 'ca.pem');
  await writeFile(file, server.ca ?? '');
  const trusted = await run([server.origin], { NODE_EXTRA_CA_CERTS: file });
  assert.equal(trusted.code, 0, trusted.stdout + trusted.stderr);
  assert.match(
    namesOf(one(waterfalls(trusted.stdout))),
    /getconn\n {4}http\.dns\n.*\n {4}http\.tls\n {2}http\.wait/s,
  );
  const untrusted = await run([server.origin]);
  assert.equal(untrusted.code, 1);
  assert.match(untrusted.stdout, /✗ http\.tls: DEPTH_ZERO_SELF_SIGNED_CERT/);
  await rm(directory, { recursive: true });
});

test('an unreachable host has its failed waterfall, the next URL is traced, and the exit code is 1', async (t) => {
  const server = await serve((_req, res) => res.end());
  t.after(server.close);
  const { code, stdout, stderr } = await run([`http://127.0.0.1:${await closedPort()}/`, server.origin]);
  const [failed, reached] = waterfalls(stdout);
  assert.ok(failed && reached);
  assert.match(failed.title, / ECONNREFUSED /);
  assert.equal(namesOf(failed), 'GET\n  http.getconn\n    http.connect');
  assert.match(reached.title, / 200 /);
  assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
});

test('a server that switches protocols unasked has a failed waterfall, not silence', async (t) => {
  const server = await serveRaw((socket) => {
    const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: tea', '', ''];
    socket.once('data', () => socket.write(head.join('\r\n')));
  });
  t.after(server.close);
  const { code, stdout, stderr } = await run([server.origin]);
  assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
  assert.match(one(waterfalls(stdout)).title, / no response /);
});
