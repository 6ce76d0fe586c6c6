import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { httpsOverHttp } from 'tunnel';
import { withClientTrace } from '../../src';
import { Connection } from '../../src/connection';
import { type GetOptions, send } from '../support/client';
import { openConnections } from '../support/meters';
import { httpProxy } from '../support/proxies';
import { closedPort, serve, serveRaw, type TestServer } from '../support/servers';
import { holding, instrument, meter } from './stage';

const ours = instrument();

const get = (server: TestServer, path: string, options: GetOptions = {}) =>
  send(new URL(path, server.origin), { ...(server.ca && { ca: server.ca }), ...options });
/** How many connections were measured from beginning to end. */
const lasted = async (port: number) =>
  (await meter.read('http.client.connection.duration')).find(
    ({ attributes }) => attributes['server.port'] === port,
  )?.value ?? 0;

for (const tls of [false, true])
  for (const traced of [false, true])
    test(`connections are active while they carry a request, then idle, then closed: ${tls ? 'https' : 'http'}${traced ? ', traced' : ''}`, async (t) => {
      const { server, answer, asked } = await holding(t, { tls }, 8);
      const agent = new (tls ? https : http).Agent({ keepAlive: true });
      const ctx = traced ? withClientTrace(context.active(), { gotConn: () => {} }) : context.active();
      const all = context.with(ctx, () =>
        Array.from({ length: 8 }, (_, i) => get(server, `/${i}`, { agent })),
      );
      await asked.opened;
      assert.deepEqual(await openConnections(meter, server.port), { active: 8, idle: 0 });
      answer.open();
      await Promise.all(all);
      assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 8 });
      assert.equal(server.connections, 8);
      assert.equal(await lasted(server.port), 0);

      const closed = Promise.all(pooled(agent).map((socket) => once(socket.ref(), 'close')));
      agent.destroy();
      await closed;
      assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
      assert.equal(await lasted(server.port), 8);
    });

test('a connection that is reused is counted once, and one that the server closes while it idles no more', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  const agent = new http.Agent({ keepAlive: true });
  for (let i = 0; i < 5; i++) await get(server, `/${i}`, { agent });
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 1 });
  const [socket] = pooled(agent);
  assert.ok(socket);
  const closed = once(socket.ref(), 'close');
  await server.close();
  await closed;
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
  assert.equal(await lasted(server.port), 1);
});

test('an idle socket has no listener of ours', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  const listeners = async () => {
    const agent = new http.Agent({ keepAlive: true });
    await get(server, '/', { agent });
    const [socket] = pooled(agent);
    assert.ok(socket);
    const counts = socket.eventNames().map((event) => [event, socket.listenerCount(event)]);
    agent.destroy();
    return counts;
  };
  const measured = await listeners();
  ours.disable();
  try {
    assert.deepEqual(await listeners(), measured);
  } finally {
    ours.enable();
  }
});

test('a connection that fails is never open', async (t) => {
  const server = await serveRaw((socket) => socket.destroy());
  t.after(server.close);
  const { error } = await get(server, '/');
  assert.equal(error?.code, 'ECONNRESET');
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
  const secure = await serve((_req, res) => res.end(), { tls: true });
  t.after(secure.close);
  const untrusted = await send(new URL('/', secure.origin), { agent: new https.Agent() });
  assert.equal(untrusted.error?.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  assert.deepEqual(await openConnections(meter, secure.port), { active: 0, idle: 0 });
  assert.equal(await lasted(secure.port), 0);
});

for (const [name, agentFor] of Object.entries({
  'https-proxy-agent': (proxy: URL, ca: string) => new HttpsProxyAgent(proxy, { keepAlive: true, ca }),
  tunnel: (proxy: URL, ca: string) =>
    httpsOverHttp({ ca: [Buffer.from(ca)], proxy: { host: proxy.hostname, port: Number(proxy.port) } }),
}))
  test(`a tunnel is one connection, to the proxy: ${name}`, async (t) => {
    const { server, answer, asked } = await holding(t, { tls: true });
    const proxy = await httpProxy(t);
    const agent = agentFor(new URL(proxy.origin), server.ca ?? '') as https.Agent;
    const sent = get(server, '/', { agent });
    await asked.opened;
    assert.deepEqual(await openConnections(meter, proxy.port), { active: 1, idle: 0 });
    assert.deepEqual(await openConnections(meter, server.port), { active: undefined, idle: undefined });
    answer.open();
    assert.equal((await sent).status, 200);
    agent.destroy?.();
    await proxy.close();
    assert.deepEqual(await openConnections(meter, proxy.port), { active: 0, idle: 0 });
    assert.equal(await lasted(proxy.port), 1);
    const made = (await meter.lines()).filter((line) => line.includes(`=${proxy.port} phase`));
    assert.deepEqual(
      made.map((line) => line.replace(/^.* phase=/, '')),
      ['connect 1', 'dns 1', 'tls 1'],
    );
    assert.deepEqual(
      (await meter.read('http.client.request.time_in_queue')).filter(
        ({ attributes }) => attributes['server.port'] === proxy.port,
      ),
      [],
      'a request whose tunnel is being made does not wait in a queue',
    );
  });

test('a socket that was connected before is counted, and has no duration', async (t) => {
  const { server, answer, asked } = await holding(t);
  const socket = net.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const sent = get(server, '/', { createConnection: () => socket });
  await asked.opened;
  assert.deepEqual(await openConnections(meter, server.port), { active: 1, idle: 0 });
  answer.open();
  await sent;
  assert.ok(socket.destroyed);
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
  assert.equal(await lasted(server.port), 0, 'nobody saw it being opened');
});

test('what the application connects to by itself, also in a response, is not counted', async (t) => {
  const database = await serveRaw(() => {});
  const server = await serve((_req, res) => res.end('hello'));
  t.after(() => Promise.all([database.close(), server.close()]));
  const own: Socket[] = [];
  for (const agent of [new http.Agent({ keepAlive: true }), undefined])
    for (let i = 0; i < 2; i++)
      await get(server, '/', {
        ...(agent && { agent }),
        onRequest: (req) => {
          req.on('socket', () => own.push(net.connect(database.port, '127.0.0.1')));
          req.end();
        },
        onResponse: () => own.push(net.connect(database.port, 'localhost')),
      });
  const refused = await send(new URL('http://localhost:1/'), {
    onRequest: (req) => req.on('error', () => own.push(net.connect(database.port, 'localhost'))).end(),
  });
  assert.equal(refused.error?.code, 'ECONNREFUSED');
  // An agent that gives away a connection it had before, and one whose own dial fails before the request hears of it.
  const had = net.connect(server.port, '127.0.0.1');
  await once(had, 'connect');
  const giving = Object.assign(new http.Agent(), { createConnection: () => had });
  await get(server, '/', {
    agent: giving,
    onRequest: (req) => req.on('socket', () => own.push(net.connect(database.port, 'localhost'))).end(),
  });
  const nobody = await closedPort();
  const tunnels = new HttpsProxyAgent(`http://127.0.0.1:${nobody}`);
  await send(new URL('https://target.test/'), {
    agent: tunnels,
    onRequest: (req) => req.on('error', () => own.push(net.connect(database.port, 'localhost'))).end(),
  });
  await Promise.all(own.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)));
  const lines = await meter.lines();
  assert.deepEqual(
    lines.filter((line) => line.includes(`=${database.port}`)),
    [],
  );
  const setups = (await meter.read('http.client.connection.setup.duration')).filter(
    ({ attributes }) => attributes['server.port'] === server.port && attributes.phase === 'connect',
  );
  assert.equal(setups[0]?.value, server.connections - 1, 'all but the one that was there before');
  assert.deepEqual(
    lines.filter((line) => line.includes(`=${nobody} phase`)).map((line) => line.replace(/^.* phase=/, '')),
    ['connect error.type=ECONNREFUSED 1'],
  );
  for (const socket of own) socket.destroy();
});

test('ten thousand connections, opened and closed, leave no record', { timeout: 110_000 }, async (t) => {
  const server = await serve((_req, res) => res.end());
  t.after(server.close);
  let left = 10_000;
  const worker = async () => {
    while (left-- > 0) await get(server, '/', { agent: false });
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  assert.equal(server.connections, 10_000);
  assert.deepEqual([...Connection.allOpen()], []);
  assert.equal(await lasted(server.port), 10_000);
});

/** A stream to a server that is no `net.Socket`: nobody sees it close. */
class Wire extends Duplex {
  readonly wire: Socket;
  constructor(port: number) {
    super();
    this.wire = net.connect(port, '127.0.0.1');
    this.wire.on('data', (chunk) => this.push(chunk)).on('end', () => this.push(null));
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.wire.write(chunk, done);
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.wire.destroy();
    done(error);
  }
}

test('a stream that is no socket is counted, and its close noticed at the next collection', async (t) => {
  const { server, answer, asked } = await holding(t);
  const wire = new Wire(server.port);
  const sent = get(server, '/', { createConnection: () => wire as unknown as Socket });
  await asked.opened;
  assert.deepEqual(await openConnections(meter, server.port), { active: 1, idle: 0 });
  answer.open();
  assert.equal((await sent).body, 'hello');
  wire.destroy();
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
  assert.equal(await lasted(server.port), 0);
});

test('streams that close unseen leave no record, even if nobody collects', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  for (let i = 0; i < 1_500; i++) {
    const wire = new Wire(server.port);
    await get(server, '/', { createConnection: () => wire as unknown as Socket });
    wire.destroy();
  }
  assert.ok(Connection.openCount < 1_000, `${Connection.openCount} records`);
});

test('connections that were opened before, or while nothing was measured, are counted from their next request on, without a duration', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  const agent = new http.Agent({ keepAlive: true });
  ours.disable();
  await get(server, '/', { agent });
  ours.enable();
  assert.deepEqual(await openConnections(meter, server.port), { active: undefined, idle: undefined });
  await get(server, '/', { agent });
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 1 });
  const [socket] = pooled(agent);
  assert.ok(socket);
  const closed = once(socket.ref(), 'close');
  agent.destroy();
  await closed;
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
  assert.equal(await lasted(server.port), 0);
  assert.equal(server.connections, 1);
});

function pooled(agent: http.Agent): Socket[] {
  return Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []) as Socket[];
}
