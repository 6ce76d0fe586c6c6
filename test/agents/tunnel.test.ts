import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { httpOverHttp, httpsOverHttp, type ProxyOptions } from 'tunnel';
import { withClientTrace } from '../../src';
import { request } from '../support/client';
import { gate } from '../support/gate';
import { httpProxy, refusingProxy } from '../support/proxies';
import { Recorder } from '../support/recorder';
import { closedPort, serve } from '../support/servers';
import { sequenceOf } from './sequence';
import { agentTests, watchAgents } from './suite';

watchAgents();

function proxyOptions(proxy: string): ProxyOptions {
  const { hostname, port } = new URL(proxy);
  return { host: hostname, port: Number(port) };
}

agentTests('tunnel.httpOverHttp', {
  proxy: httpProxy,
  options: (proxy, options) => ({ agent: httpOverHttp({ ...options, proxy: proxyOptions(proxy) }) }),
  names: 'proxy',
  cold: 'GC DS DD CS CD GO HF WH WR FB RT',
  connections: 4,
});

agentTests('tunnel.httpsOverHttp', {
  proxy: httpProxy,
  tls: true,
  options: (proxy, options) => ({
    agent: httpsOverHttp({ ...options, proxy: proxyOptions(proxy) } as never),
  }),
  names: 'proxy',
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB RT',
  connections: 4,
});

const target = ({ port }: { port: number }) => ({ port, origin: `http://target.test:${port}` });

test('tunnel: a request that waits until a connection closes dials for itself, once', async (t) => {
  const asked = gate();
  const queued = gate();
  const server = await serve((req, res) => {
    if (req.url === '/1') asked.open();
    res.setHeader('Connection', 'close');
    void queued.opened.then(() => res.end());
  });
  const proxy = await httpProxy(t);
  t.after(() => server.close());
  const agent = httpOverHttp({ maxSockets: 1, proxy: proxyOptions(proxy.origin) });
  const first = request(target(server), '/1', { agent });
  await asked.opened;
  const second = request(target(server), '/2', { agent });
  queued.open();
  for (const { recorder, status } of await Promise.all([first, second])) {
    assert.equal(status, 200);
    assert.equal(sequenceOf(recorder), 'GC DS DD CS CD GO HF WH WR FB RT');
  }
});

test('tunnel: the proxy refuses: no connection, and nothing of the CONNECT request', async (t) => {
  const proxy = await refusingProxy(t);
  const agent = httpOverHttp({ proxy: proxyOptions(proxy.origin) });
  const { recorder, error } = await failing(target({ port: 80 }), agent);
  assert.match(error.message, /statusCode=407/);
  assert.equal(sequenceOf(recorder), 'GC DS DD CS CD RT!ECONNRESET');
});

test('tunnel: no proxy listens', async () => {
  const agent = httpOverHttp({ proxy: { host: '127.0.0.1', port: await closedPort() } });
  const { recorder } = await failing(target({ port: 80 }), agent);
  assert.equal(recorder.sequence(), 'GC CS CD!ECONNREFUSED RT!ECONNRESET');
});

/** Waits for the error only: the agent tells the request of it without ending it, and a request without a socket never closes. */
async function failing({ origin }: ReturnType<typeof target>, agent: http.Agent) {
  const recorder = new Recorder();
  const error = await context.with(
    withClientTrace(context.active(), recorder.trace),
    () => new Promise<Error>((resolve) => http.get(origin, { agent }).on('error', resolve)),
  );
  await recorder.done;
  recorder.assertInvariants();
  return { recorder, error };
}
