import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { request } from '../support/client';
import { refusingPort } from '../support/ports';
import { serveRaw } from '../support/servers';
import { certificateFor, conformance, stage } from './stage';

/** Opens a tunnel by hand, and has the request go through it. */
class TunnelAgent extends https.Agent {
  constructor(readonly proxyPort: number) {
    super({ keepAlive: true });
  }

  override createConnection(
    options: http.ClientRequestArgs,
    callback: (error: Error | null, socket: Duplex) => void = () => {},
  ): undefined {
    const socket = net.connect(this.proxyPort, '127.0.0.1');
    socket.on('error', (error) => callback(error, socket));
    socket.write(`CONNECT ${options.host}:${options.port} HTTP/1.1\r\nHost: ${options.host}\r\n\r\n`);
    socket.once('data', (head) => {
      if (!String(head).startsWith('HTTP/1.1 200'))
        return callback(Object.assign(new Error('no tunnel'), { code: 'NO_TUNNEL' }), socket);
      callback(null, tls.connect({ ...(options as tls.ConnectionOptions), socket }));
    });
  }
}

/** A proxy whose tunnels all lead to one port of this machine. */
async function tunnelTo(t: TestContext, port: number, status = '200 OK') {
  const proxy = await serveRaw((client) =>
    client.once('data', () => {
      client.write(`HTTP/1.1 ${status}\r\n\r\n`);
      const target = net.connect(port, '127.0.0.1');
      target.on('error', () => {});
      client.pipe(target).pipe(client);
      client.on('close', () => target.destroy());
    }),
  );
  const agent = new TunnelAgent(proxy.port);
  t.after(async () => {
    agent.destroy();
    await proxy.close();
  });
  return { proxy, agent };
}

conformance('proxy', {
  proxy_plain_http: async (t) => {
    const asked: (string | undefined)[] = [];
    const { server, get } = await stage(t, (req, res) => {
      asked.push(req.url, req.headers.host);
      res.end();
    });
    const r1 = await get({ path: 'http://target.invalid/', headers: { Host: 'target.invalid' } });
    assert.deepEqual(asked, ['http://target.invalid/', 'target.invalid']);
    assert.deepEqual(r1.recorder.args('getConn'), [server.address]);
    assert.deepEqual(r1.recorder.args('connectStart'), ['tcp', server.address]);
    assert.deepEqual(r1.recorder.args('wroteHeaderField'), ['Host', ['target.invalid']]);
    return [r1];
  },

  proxy_connect_https: async (t) => {
    const { server } = await stage(t, undefined, { tls: await certificateFor('target.test') });
    const { proxy, agent } = await tunnelTo(t, server.port);
    const ask = () =>
      request({ port: 443, origin: 'https://target.test', ca: server.ca ?? '' }, '/', { agent });
    const r1 = await ask();
    const r2 = await ask();
    assert.equal(r1.body, 'ok');
    assert.deepEqual(r1.recorder.args('getConn'), ['target.test:443']);
    assert.deepEqual(r1.recorder.args('connectStart'), ['tcp', proxy.address]);
    assert.equal(r1.recorder.args('tlsHandshakeDone')[0]?.servername, 'target.test');
    const { socket, reused, wasIdle } = r2.recorder.args('gotConn')[0];
    assert.deepEqual([reused, wasIdle], [true, true]);
    assert.ok(socket instanceof tls.TLSSocket);
    assert.deepEqual([proxy.connections, server.connections], [1, 1]);
    return [r1, r2];
  },

  proxy_refused: async (t) => {
    const port = await refusingPort(t);
    const agent = new TunnelAgent(port);
    t.after(() => agent.destroy());
    const r1 = await request({ port: 443, origin: 'https://target.invalid' }, '/', { agent });
    assert.deepEqual(r1.recorder.args('connectDone'), ['tcp', `127.0.0.1:${port}`, r1.error]);
    return [r1];
  },
});

test('a proxy that opens no tunnel fails the request after its connect', async (t) => {
  const { agent } = await tunnelTo(t, 1, '407 Proxy Authentication Required');
  const r1 = await request({ port: 443, origin: 'https://target.invalid' }, '/', { agent });
  assert.equal(r1.recorder.story(), 'GC CS CD RT!NO_TUNNEL error!NO_TUNNEL');
});

test('a CONNECT of the application’s own is a request that ends when the tunnel is its', async (t) => {
  const { proxy } = await tunnelTo(t, 1);
  const tunnelled: Socket[] = [];
  const r1 = await request(proxy, '/', {
    method: 'CONNECT',
    path: 'target.test:443',
    agent: new http.Agent(),
    hostname: '127.0.0.1',
    onRequest: (req) => req.on('connect', (_res, socket) => tunnelled.push(socket)).end(),
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB RT');
  assert.equal(tunnelled[0], r1.recorder.args('gotConn')[0].socket);
  tunnelled[0]?.destroy();
});
