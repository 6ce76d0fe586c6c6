import assert from 'node:assert/strict';
import type https from 'node:https';
import { test } from 'node:test';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { request } from '../support/client';
import { httpProxy, refusingProxy, socksProxy } from '../support/proxies';
import { closedPort } from '../support/servers';
import { sequenceOf } from './sequence';
import { agentTests, watchAgents } from './suite';

watchAgents();

agentTests('http-proxy-agent', {
  proxy: httpProxy,
  options: (proxy, options) => ({ agent: new HttpProxyAgent(proxy, options) }),
  names: 'proxy',
  cold: 'GC DS DD CS CD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});

agentTests('https-proxy-agent', {
  proxy: httpProxy,
  tls: true,
  options: (proxy, options) => ({ agent: new HttpsProxyAgent(proxy, options) }),
  names: 'proxy',
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});

agentTests('socks-proxy-agent', {
  proxy: socksProxy,
  options: (proxy, options) => ({
    agent: new SocksProxyAgent(proxy.replace('http:', 'socks5h:'), options),
  }),
  names: 'proxy',
  cold: 'GC DS DD CS CD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});

agentTests('socks-proxy-agent, https', {
  proxy: socksProxy,
  tls: true,
  options: (proxy, options) => ({
    agent: new SocksProxyAgent(proxy.replace('http:', 'socks5h:'), options),
  }),
  names: 'proxy',
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});

/** Version 5, whose agent-base 6 is no `http.Agent`: no pool, no queue. */
const HttpsProxyAgent5: new (options: object) => https.Agent = require('https-proxy-agent-5');

agentTests('https-proxy-agent 5', {
  proxy: httpProxy,
  tls: true,
  options: (proxy, { ca }) => {
    const { hostname: host, port } = new URL(proxy);
    return { agent: new HttpsProxyAgent5({ host, port }), ...(ca && { ca }) };
  },
  names: 'proxy',
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB RT',
  connections: 20,
});

const target = { port: 443, origin: 'https://target.test' };

test('https-proxy-agent: no proxy listens', async () => {
  const port = await closedPort();
  const agent = new HttpsProxyAgent(`http://127.0.0.1:${port}`);
  const { recorder, error } = await request(target, '/', { agent });
  assert.equal(error?.code, 'ECONNREFUSED');
  assert.deepEqual(recorder.args('getConn'), [`127.0.0.1:${port}`]);
  assert.equal(recorder.sequence(), 'GC CS CD!ECONNREFUSED RT!ECONNREFUSED');
});

test('https-proxy-agent: the proxy refuses: the agent plays its answer through a socket of no network', async (t) => {
  const proxy = await refusingProxy(t);
  const { recorder, status } = await request(target, '/', { agent: new HttpsProxyAgent(proxy.origin) });
  assert.equal(status, 407);
  assert.match(sequenceOf(recorder), /^GC DS DD CS CD GO HF WH FB WR!/);
  assert.equal(recorder.args('gotConn')[0].socket.remotePort, undefined);
});
