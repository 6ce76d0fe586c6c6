import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { registerContextManager } from '../support/otel';
import { httpProxy, refusingProxy, type TestProxy } from '../support/proxies';
import { serve, type TestServer } from '../support/servers';
import { CLIENTS, copyOf, get, turn } from '../support/undici';

registerContextManager();
new HttpTraceInstrumentation();

let plain: TestServer;
let secure: TestServer;
let proxy: TestProxy;
before(async () => {
  plain = await serve((_req, res) => res.end('plain'));
  secure = await serve((_req, res) => res.end('secure'), { tls: true });
  proxy = await httpProxy();
});
after(() => Promise.all([plain, secure, proxy].map((each) => each.close())));

for (const client of CLIENTS.filter(({ name }) => name !== 'fetch'))
  describe(client.name, { skip: client.skip }, () => {
    const through = (uri: string) =>
      new (copyOf(client.version).ProxyAgent)({ uri, requestTls: { ca: secure.ca ?? '' } });

    test('https: the dial is the proxy’s, the handshake the target’s, and CONNECT has no hooks', async (t) => {
      const dispatcher = through(proxy.origin);
      t.after(() => dispatcher.destroy());
      const { recorder, body } = await get(client, `${secure.origin}/1`, { dispatcher });
      assert.equal(body, 'secure');
      assert.equal(recorder.sequence(), 'GC DS DD CS CD TS TD GO HF WH WR FB PI RT');
      assert.deepEqual(recorder.args('connectStart'), ['tcp', `127.0.0.1:${proxy.port}`]);
      assert.equal(recorder.args('tlsHandshakeDone')[0]?.servername, 'localhost');
      assert.equal(recorder.args('gotConn')[0].reused, false);
      const fields = recorder.calls
        .filter(({ hook }) => hook === 'wroteHeaderField')
        .map(({ args }) => args[0]);
      assert.ok(!fields.includes('proxy-connection'), 'none of CONNECT');
      await turn();
      const again = await get(client, `${secure.origin}/2`, { dispatcher });
      assert.equal(again.recorder.sequence(), 'GC GO HF WH WR FB PI RT');
      assert.equal(again.recorder.args('gotConn')[0].reused, true);
    });

    test('http: through a tunnel, or as it is, with the proxy’s dial', async (t) => {
      const dispatcher = through(proxy.origin);
      t.after(() => dispatcher.destroy());
      const { recorder, body } = await get(client, `${plain.origin}/1`, { dispatcher });
      assert.equal(body, 'plain');
      assert.equal(recorder.sequence(), 'GC DS DD CS CD GO HF WH WR FB PI RT');
      assert.deepEqual(recorder.args('connectStart'), ['tcp', `127.0.0.1:${proxy.port}`]);
      assert.deepEqual(recorder.args('gotConn')[0].reused, false);
      await turn();
      const again = await get(client, `${plain.origin}/2`, { dispatcher });
      assert.equal(again.recorder.args('gotConn')[0].reused, true);
    });

    test('many at once through one proxy: each has its own dial', async (t) => {
      const dispatcher = through(proxy.origin);
      t.after(() => dispatcher.destroy());
      const paths = Array.from({ length: 12 }, (_, i) => `/many/${i}`);
      const all = await Promise.all(
        paths.map((path, i) => get(client, `${(i % 2 ? secure : plain).origin}${path}`, { dispatcher })),
      );
      for (const [i, { recorder }] of all.entries()) {
        const dial = i % 2 ? 'DS DD CS CD TS TD' : 'DS DD CS CD';
        assert.ok(
          ['', ` ${dial}`].includes(recorder.sequence().replace(/^GC(.*) GO HF WH WR FB PI RT$/, '$1')),
        );
        const server = i % 2 ? secure : plain;
        const seen = proxy.clientPorts.get(server.remotePorts.get(paths[i] ?? '') ?? 0);
        assert.equal(recorder.args('gotConn')[0].socket.localPort, seen, paths[i]);
      }
    });

    test('a proxy that refuses', async (t) => {
      const refusing = await refusingProxy(t);
      const dispatcher = through(refusing.origin);
      t.after(() => dispatcher.destroy());
      const { recorder, error } = await get(client, secure.origin, { dispatcher });
      assert.ok(error);
      assert.match(recorder.sequence(), /^GC DS DD CS CD RT!/);
    });

    test('EnvHttpProxyAgent: some through the proxy, some not', async (t) => {
      const { EnvHttpProxyAgent } = copyOf(client.version);
      const dispatcher = new EnvHttpProxyAgent({
        httpProxy: proxy.origin,
        httpsProxy: proxy.origin,
        noProxy: `localhost:${plain.port}`,
        requestTls: { ca: secure.ca ?? '' },
      });
      t.after(() => dispatcher.destroy());
      const direct = await get(client, `${plain.origin}/direct`, { dispatcher });
      assert.deepEqual(direct.recorder.args('connectStart'), ['tcp', `127.0.0.1:${plain.port}`]);
      const proxied = await get(client, `${secure.origin}/proxied`, { dispatcher });
      assert.deepEqual(proxied.recorder.args('connectStart'), ['tcp', `127.0.0.1:${proxy.port}`]);
      assert.equal(proxied.recorder.sequence(), 'GC DS DD CS CD TS TD GO HF WH WR FB PI RT');
    });
  });
