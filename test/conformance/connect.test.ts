import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lookupOf } from '../support/dns';
import { hangingPort } from '../support/hanging';
import { closedPort } from '../support/servers';
import { listenAtPath } from '../support/unixsocket';
import { conformance, stage } from './stage';

const REFUSED = 'GC CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED';
const timeout = Object.assign(new Error('too late'), { code: 'TIMEOUT' });
const DUAL = lookupOf('::1', '127.0.0.1');

const unixServer = (t: TestContext) =>
  listenAtPath(
    t,
    http.createServer((_req, res) => res.end('ok')),
  );

conformance('connect', {
  connect_refused: async (t) => {
    const { get } = await stage(t);
    const port = await closedPort();
    const r1 = await get({ port });
    assert.deepEqual(r1.recorder.args('connectDone'), ['tcp', `127.0.0.1:${port}`, r1.error]);
    assert.deepEqual(r1.recorder.args('roundTripDone'), [r1.error]);
    return [r1];
  },

  dial_timeout: async (t) => {
    const { get } = await stage(t);
    const port = await hangingPort(t);
    const r1 = await get({
      port,
      timeout: 60,
      onRequest: (req) => req.on('timeout', () => req.destroy(timeout)).end(),
    });
    assert.deepEqual(r1.recorder.args('connectDone'), ['tcp', `127.0.0.1:${port}`, timeout]);
    return [r1];
  },

  happy_eyeballs_v6_refuses: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get({ hostname: 'dual.test', port: server.port, lookup: DUAL });
    const [, addr, error] = r1.recorder.args('connectDone');
    assert.equal(addr, `[::1]:${server.port}`);
    assert.equal((error as NodeJS.ErrnoException).syscall, 'connect');
    assert.deepEqual(r1.recorder.args('connectDone', 1), ['tcp', server.address, undefined]);
    assert.deepEqual(r1.recorder.args('roundTripDone'), [undefined]);
    return [r1];
  },

  unix_socket: async (t) => {
    const socketPath = await unixServer(t);
    const { get } = await stage(t);
    const r1 = await get({ socketPath, hostname: 'unix.test', port: '' });
    assert.equal(r1.body, 'ok');
    assert.deepEqual(r1.recorder.args('getConn'), ['unix.test:80']);
    assert.deepEqual(r1.recorder.args('connectStart'), ['unix', socketPath]);
    assert.deepEqual(r1.recorder.args('connectDone'), ['unix', socketPath, undefined]);
    return [r1];
  },

  custom_dialer_without_ctx: async (t) => {
    const { server, agent, get } = await stage(t);
    const socket = net.connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    agent.createConnection = () => socket;
    const r1 = await get();
    const { reused, wasIdle, idleTime } = r1.recorder.args('gotConn')[0];
    assert.deepEqual({ reused, wasIdle, idleTime }, { reused: false, wasIdle: false, idleTime: 0 });
    return [r1];
  },
});

test('when all addresses refuse, each attempt has its error, and the request fails with all of them', async (t) => {
  const { get } = await stage(t);
  const port = await closedPort();
  const r1 = await get({ hostname: 'dual.test', port, lookup: DUAL });
  assert.equal(
    r1.recorder.story(),
    'GC DS DD CS CD!ECONNREFUSED CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED',
  );
  assert.ok(r1.error instanceof AggregateError);
  assert.deepEqual(r1.error.errors, [
    r1.recorder.args('connectDone')[2],
    r1.recorder.args('connectDone', 1)[2],
  ]);
});

test('an attempt that hangs is given up for the next address', async (t) => {
  const port = await hangingPort(t, '::1');
  const { get } = await stage(t, undefined, { port });
  const r1 = await get({
    hostname: 'dual.test',
    port,
    lookup: DUAL,
    autoSelectFamilyAttemptTimeout: 30,
  });
  assert.equal(r1.recorder.story(), 'GC DS DD CS CD!ETIMEDOUT CS CD GO HF WH WR FB response end PI RT');
  assert.equal(r1.recorder.args('connectDone')[1], `[::1]:${port}`);
});

test('addresses are tried one after the other, as many as there are', async (t) => {
  const { server, get } = await stage(t);
  const lookup = lookupOf('127.0.0.2', '::1', '127.0.0.3', '127.0.0.1');
  const r1 = await get({ hostname: 'many.test', port: server.port, lookup });
  const refused = 'CS CD!ECONNREFUSED ';
  assert.equal(r1.recorder.story(), `GC DS DD ${refused.repeat(3)}CS CD GO HF WH WR FB response end PI RT`);
});

test('a Unix socket that is not there refuses', async (t) => {
  const { get } = await stage(t);
  const socketPath = join(tmpdir(), 'httptrace-no-such.sock');
  const r1 = await get({ socketPath });
  assert.equal(r1.recorder.story(), 'GC CS CD!ENOENT RT!ENOENT error!ENOENT');
  assert.deepEqual(r1.recorder.args('connectDone'), ['unix', socketPath, r1.error]);
});

test('a Unix socket is reused like any other connection', async (t) => {
  const socketPath = await unixServer(t);
  const { get } = await stage(t);
  await get({ socketPath });
  const r2 = await get({ socketPath });
  assert.equal(r2.recorder.story(), 'GC GO HF WH WR FB response end PI RT');
});

test('an own address that is not there fails before any attempt', async (t) => {
  const { get } = await stage(t);
  // Set aside for documentation: no machine has it.
  const r1 = await get({ localAddress: '192.0.2.1' });
  assert.equal(r1.recorder.story(), 'GC RT!EADDRNOTAVAIL error!EADDRNOTAVAIL');
});

test('a refused connection is refused again: each request dials for itself', async (t) => {
  const { get } = await stage(t);
  const port = await closedPort();
  const outcomes = await Promise.all([get({ port }), get({ port })]);
  assert.deepEqual(
    outcomes.map(({ recorder }) => recorder.story()),
    [REFUSED, REFUSED],
  );
});
