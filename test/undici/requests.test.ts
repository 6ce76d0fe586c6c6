import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { context } from '@opentelemetry/api';
import type { Dispatcher } from 'undici-7';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { registerContextManager } from '../support/otel';
import type { Recorder } from '../support/recorder';
import { serve, type TestServer } from '../support/servers';
import { CLIENTS, get, observe, turn } from '../support/undici';

registerContextManager();
new HttpTraceInstrumentation();

let server: TestServer;
/** The heads of the requests, as they came over the wire. */
const heads = new Map<string, string[]>();

before(async () => {
  server = await serve((req, res) => {
    const [path = ''] = (req.url ?? '').split('?');
    heads.set(path, req.rawHeaders);
    if (path === '/hints') res.writeEarlyHints({ link: '</a>; rel=preload' });
    if (path === '/redirect') res.writeHead(302, { location: '/target' });
    if (path === '/close') res.setHeader('connection', 'close');
    if (path === '/brief') res.setHeader('keep-alive', 'timeout=1');
    if (path === '/empty') res.writeHead(204);
    if (path === '/chunks') res.write('first');
    const answer = () => res.end(path === '/empty' ? undefined : 'hello');
    if (path === '/slow') setTimeout(answer, 30);
    else req.resume().on('end', answer);
  });
});
after(() => server.close());

const NEW = 'GC DS DD CS CD GO HF WH WR FB';
const REUSED = 'GC GO HF WH WR FB';

/** Header fields as they were told, each name once. */
function fields(recorder: Recorder): Record<string, readonly string[]> {
  const calls = recorder.calls.filter(({ hook }) => hook === 'wroteHeaderField');
  return Object.fromEntries(
    calls.map(({ args: [key, values] }) => [String(key).toLowerCase(), values as string[]]),
  );
}

for (const client of CLIENTS)
  describe(client.name, { skip: client.skip }, () => {
    let dispatcher: Dispatcher;
    before(() => {
      dispatcher = client.Agent({ connections: 1 });
    });
    after(() => dispatcher.destroy());
    const request = (path: string, options = {}) =>
      get(client, server.origin + path, { dispatcher, ...options });

    test('a new connection is looked up, made, used and kept', async () => {
      const { recorder, status, body } = await request('/new');
      assert.deepEqual([status, body], [200, 'hello']);
      assert.equal(recorder.sequence(), `${NEW} PI RT`);
      assert.deepEqual(recorder.args('getConn'), [`localhost:${server.port}`]);
      assert.deepEqual(recorder.args('connectStart'), ['tcp', `127.0.0.1:${server.port}`]);
      const [{ socket, ...how }] = recorder.args('gotConn');
      assert.deepEqual(how, { reused: false, wasIdle: false, idleTime: 0 });
      assert.equal(socket.localPort, server.remotePorts.get('/new'));
    });

    test('an idle connection is reused, and its idle time told', async () => {
      await turn();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { recorder } = await request('/reused');
      assert.equal(recorder.sequence(), `${REUSED} PI RT`);
      const [{ socket, reused, wasIdle, idleTime }] = recorder.args('gotConn');
      assert.deepEqual([reused, wasIdle, socket.localPort], [true, true, server.remotePorts.get('/new')]);
      assert.ok(idleTime > 10, `${idleTime}`);
    });

    test('header fields are those that the server saw, framing of the body included', async () => {
      const stream = async function* () {
        yield Buffer.from('one');
        yield Buffer.from('two');
      };
      for (const [path, options] of Object.entries({
        '/get': { headers: { 'x-one': '1', 'X-Two': 'a, b' } },
        '/post': { method: 'POST', body: 'text' },
        '/nothing': { method: 'POST' },
        '/stream': { method: 'PUT', body: stream() },
        '/delete': { method: 'DELETE' },
      })) {
        await turn();
        const { recorder } = await request(path, options);
        const raw = heads.get(path) ?? [];
        const seen: Record<string, string[]> = {};
        for (let i = 0; i < raw.length; i += 2) {
          const name = String(raw[i]).toLowerCase();
          seen[name] = [...(seen[name] ?? []), String(raw[i + 1])];
        }
        assert.deepEqual(fields(recorder), seen, path);
        assert.equal(recorder.sequence(), `${REUSED} PI RT`, path);
      }
    });

    test('a body that the kernel does not take at once: written when it has, after the server has begun to read', async () => {
      await turn();
      const { recorder, status } = await request('/upload', { method: 'POST', body: 'x'.repeat(8_000_000) });
      assert.equal(status, 200);
      assert.equal(recorder.sequence(), `${REUSED} PI RT`);
    });

    test('chunks, HEAD, 204 and errors of the server', async () => {
      await turn();
      assert.equal((await request('/chunks')).recorder.sequence(), `${REUSED} PI RT`);
      await turn();
      assert.equal((await request('/empty')).recorder.sequence(), `${REUSED} PI RT`);
      await turn();
      // undici asks for the connection to be closed after a HEAD.
      assert.equal((await request('/head', { method: 'HEAD' })).recorder.sequence(), `${REUSED} RT`);
    });

    test('as in Go nothing is said of the pool when the server closes; when it keeps too briefly, why', async () => {
      assert.equal((await request('/close')).recorder.sequence(), `${NEW} RT`);
      const { recorder } = await request('/brief');
      assert.match(recorder.sequence(), /^GC DS DD CS CD GO HF WH WR FB PI!.+ RT$/);
      assert.match(String(recorder.args('putIdleConn')[0]?.message), /too briefly/);
      assert.equal((await request('/after')).recorder.sequence(), `${NEW} PI RT`);
    });

    test('103 Early Hints are told with their headers, and the first byte is theirs', async () => {
      await turn();
      await request('/warm');
      await turn();
      const { recorder, status } = await request('/hints');
      assert.equal(status, 200);
      assert.equal(recorder.sequence(), `${REUSED} I1 PI RT`);
      const [statusCode, headers] = recorder.args('got1xxResponse');
      assert.deepEqual([statusCode, headers.link], [103, '</a>; rel=preload']);
    });

    test('requests on one connection are queued, and are handed the connection, which was not idle', async () => {
      await turn();
      const paths = ['/slow', '/slow?2', '/slow?3'];
      const [first, ...queued] = await Promise.all(paths.map((path) => request(path)));
      assert.equal(first?.recorder.sequence(), `${REUSED} PI RT`);
      for (const { recorder } of queued) {
        assert.equal(recorder.sequence(), `${REUSED} PI RT`);
        const [{ reused, wasIdle, idleTime }] = recorder.args('gotConn');
        assert.deepEqual({ reused, wasIdle, idleTime }, { reused: true, wasIdle: false, idleTime: 0 });
      }
      assert.deepEqual(new Set(paths.map((path) => server.remotePorts.get(path))).size, 1);
    });

    test('requests that had to wait in a pool are told to their own trace', async (t) => {
      const own = client.Agent({ connections: 2 });
      t.after(() => own.destroy());
      // A copy that nobody else uses is known by the socket of its first request.
      await get(client, server.origin, { dispatcher: own });
      const paths = Array.from({ length: 6 }, (_, i) => `/slow?pool-${i}`);
      const all = await Promise.all(
        paths.map((path) => get(client, server.origin + path, { dispatcher: own })),
      );
      for (const [i, { recorder }] of all.entries()) {
        assert.match(recorder.sequence(), /^GC( DS DD CS CD)? GO HF WH WR FB PI RT$/);
        assert.equal(recorder.args('gotConn')[0].socket.localPort, server.remotePorts.get(paths[i] ?? ''));
      }
    });

    test('a Unix socket is connected to by its path', async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'httptrace-undici-'));
      const socketPath = join(folder, 'socket');
      const local = http.createServer((_req, res) => res.end('local')).listen(socketPath);
      const own = client.Agent({ connect: { socketPath } });
      t.after(async () => {
        await own.destroy();
        local.close();
        rmSync(folder, { recursive: true });
      });
      await new Promise((resolve) => local.once('listening', resolve));
      const { recorder, body } = await get(client, 'http://unix.test/', { dispatcher: own });
      assert.equal(body, 'local');
      assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB PI RT');
      assert.deepEqual(recorder.args('getConn'), ['unix.test:80']);
      assert.deepEqual(recorder.args('connectStart'), ['unix', socketPath]);
    });

    test('a 1xx that a hook refuses aborts the request with its error', async (t) => {
      const own = client.Agent();
      t.after(() => own.destroy());
      const refusal = new Error('no hints');
      const { recorder, error } = await observe(async () => {
        const ctx = withClientTrace(context.active(), { got1xxResponse: () => refusal });
        const answer = await context.with(ctx, () =>
          client.send(`${server.origin}/hints`, { dispatcher: own }),
        );
        return { status: answer.status, body: await answer.text() };
      });
      assert.equal((error as Error)?.cause ?? error, refusal);
      assert.equal(recorder.sequence(), `${NEW} I1 RT!no hints`);
    });

    test('a redirect that fetch follows is a request of its own', {
      skip: !client.isFetch && 'not followed',
    }, async (t) => {
      const own = client.Agent();
      t.after(() => own.destroy());
      const calls: string[] = [];
      const ctx = withClientTrace(context.active(), {
        getConn: () => calls.push('GC'),
        gotConn: ({ reused }) => calls.push(reused ? 'reused' : 'new'),
        roundTripDone: () => calls.push('RT'),
      });
      const answer = await context.with(ctx, () =>
        client.send(`${server.origin}/redirect`, { dispatcher: own }),
      );
      assert.equal(await answer.text(), 'hello');
      await turn();
      assert.equal(calls.filter((call) => call === 'GC').length, 2);
      assert.equal(calls.filter((call) => call === 'RT').length, 2);
    });
  });
