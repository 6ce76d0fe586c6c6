import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { Connection } from '../../src/connection';
import { certificate } from '../support/certs';
import { gate } from '../support/gate';
import { openConnections } from '../support/meters';
import { httpProxy } from '../support/proxies';
import { closedPort, serve } from '../support/servers';
import { durations, holding, instrument, meter } from './stage';

const ours = instrument();

async function eventually(port: number, expected: { active: number; idle: number }): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const { active, idle } = await openConnections(meter, port);
    if (active === expected.active && idle === expected.idle) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.deepEqual(await openConnections(meter, port), expected);
}

const contexts = {
  untraced: () => context.active(),
  traced: () => withClientTrace(context.active(), { gotConn: () => {} }),
};

async function serveH2(t: TestContext, secure: boolean) {
  const server = secure ? http2.createSecureServer(await certificate()) : http2.createServer();
  const answer = gate();
  const sockets: Socket[] = [];
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => sockets.push(socket));
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    void answer.opened.then(() => stream.respond({ ':status': 200 })).then(() => stream.end('hello'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, origin: `${secure ? 'https' : 'http'}://localhost:${port}`, answer, sockets };
}

async function ask(session: ClientHttp2Session): Promise<void> {
  const stream = session.request({ ':path': '/' });
  stream.resume();
  await once(stream, 'close');
}

for (const [name, ctx] of Object.entries(contexts)) {
  for (const secure of [false, true])
    test(`http2 ${secure ? 'over TLS ' : ''}${name}: a session is one connection, active while it has a stream`, async (t) => {
      const { port, origin, answer } = await serveH2(t, secure);
      const session = context.with(ctx(), () => http2.connect(origin, { rejectUnauthorized: false }));
      await once(session, 'connect');
      await eventually(port, { active: 0, idle: 1 });
      const streams = context.with(ctx(), () => [ask(session), ask(session), ask(session)]);
      await eventually(port, { active: 1, idle: 0 });
      answer.open();
      await Promise.all(streams);
      await eventually(port, { active: 0, idle: 1 });
      const setup = ['setup connect 1', 'setup dns 1', ...(secure ? ['setup tls 1'] : [])];
      assert.deepEqual(await durations(port), setup);
      session.close();
      await eventually(port, { active: 0, idle: 0 });
      assert.deepEqual(await durations(port), ['connection.duration 1', ...setup]);
    });

  test(`http2 ${name}: a session that was connected while nothing was measured is not counted, for nobody saw where it leads`, async (t) => {
    const { port, origin, answer } = await serveH2(t, false);
    ours.disable();
    const session = http2.connect(origin);
    await once(session, 'connect');
    ours.enable();
    answer.open();
    await context.with(ctx(), () => ask(session));
    assert.deepEqual(await openConnections(meter, port), { active: undefined, idle: undefined });
    assert.equal(Connection.openCount, 0);
    session.close();
  });

  test(`http2 ${name}: a session that cannot connect is never open`, async () => {
    const port = await closedPort();
    const session = context.with(ctx(), () => http2.connect(`http://127.0.0.1:${port}`));
    await once(session, 'error');
    assert.deepEqual(await durations(port), ['setup connect ECONNREFUSED 1']);
    await eventually(port, { active: 0, idle: 0 });
  });

  test(`fetch ${name}: connections are active, idle, and closed`, async (t) => {
    const { server, answer, asked } = await holding(t, {}, 3);
    const all = context.with(ctx(), () => [1, 2, 3].map((n) => fetch(`${server.origin}/${n}`)));
    await asked.opened;
    await eventually(server.port, { active: 3, idle: 0 });
    answer.open();
    for (const response of await Promise.all(all)) assert.equal(await response.text(), 'hello');
    await eventually(server.port, { active: 0, idle: 3 });
    assert.equal(server.connections, 3);
    const setup = ['setup connect 3', 'setup dns 3'];
    assert.deepEqual(await durations(server.port), setup);
    const again = await context.with(ctx(), () => fetch(server.origin));
    await again.text();
    assert.deepEqual(await durations(server.port), setup);
    await server.close();
    await eventually(server.port, { active: 0, idle: 0 });
    assert.deepEqual(await durations(server.port), ['connection.duration 3', ...setup]);
  });

  test(`fetch ${name}: a connection that fails has its error.type`, async () => {
    const port = await closedPort();
    await assert.rejects(context.with(ctx(), () => fetch(`http://127.0.0.1:${port}`)));
    assert.deepEqual(await durations(port), ['setup connect ECONNREFUSED 1']);
  });

  // undici 8 does not load in Node 20.
  const versions = [
    'undici-6',
    'undici-7',
    ...(Number.parseInt(process.versions.node, 10) >= 22 ? ['undici-8'] : []),
  ];
  for (const version of versions) {
    const undici = require(version) as typeof import('undici-7');
    test(`${version} ${name}: its Agent over TLS, with pipelining`, async (t) => {
      const server = await serve((_req, res) => res.end('hello'), { tls: true });
      t.after(server.close);
      const agent = new undici.Agent({
        connections: 2,
        pipelining: 4,
        connect: { rejectUnauthorized: false },
      });
      const all = context.with(ctx(), () =>
        Array.from({ length: 20 }, async () => {
          const { body } = await undici.request(server.origin, { dispatcher: agent });
          return body.text();
        }),
      );
      await Promise.all(all);
      const open = server.connections;
      await eventually(server.port, { active: 0, idle: open });
      const setup = ['connect', 'dns', 'tls'].map((phase) => `setup ${phase} ${open}`);
      assert.deepEqual(await durations(server.port), setup);
      await agent.close();
      await eventually(server.port, { active: 0, idle: 0 });
      assert.deepEqual(await durations(server.port), [`connection.duration ${open}`, ...setup]);
    });

    test(`${version} ${name}: a tunnel through a proxy is one connection`, async (t) => {
      const server = await serve((_req, res) => res.end('hello'), { tls: true });
      const proxy = await httpProxy(t);
      t.after(server.close);
      const agent = new undici.ProxyAgent({ uri: proxy.origin, requestTls: { rejectUnauthorized: false } });
      const { body } = await context.with(ctx(), () => undici.request(server.origin, { dispatcher: agent }));
      await body.text();
      const open = [...Connection.allOpen()].map(({ server: { port }, isIdle }) => [port, isIdle]);
      assert.deepEqual(open, [[proxy.port, true]]);
      await agent.close();
      await proxy.close();
      assert.equal(Connection.openCount, 0);
    });
  }
}
