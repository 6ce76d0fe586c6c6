import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { certificate } from '../support/certs';
import { request } from '../support/client';
import { httpProxy } from '../support/proxies';
import { serve } from '../support/servers';
import { agentTests, watchAgents } from './suite';

watchAgents();

const COLD = 'GC DS DD CS CD GO HF WH WR FB PI RT';
const COLD_TLS = 'GC DS DD CS CD TS TD GO HF WH WR FB PI RT';
const WARM = 'GC GO HF WH WR FB PI RT';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const knowsProxies = major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
const skip = !knowsProxies && 'this Node has no proxies of its own';

agentTests('http.Agent({ proxyEnv })', {
  skip,
  proxy: httpProxy,
  options: (proxy, options) => ({
    agent: new http.Agent({ ...options, proxyEnv: { http_proxy: proxy } } as http.AgentOptions),
  }),
  names: 'proxy',
  cold: COLD,
  second: WARM,
  connections: 4,
});

agentTests('https.Agent({ proxyEnv })', {
  skip,
  proxy: httpProxy,
  tls: true,
  options: (proxy, options) => ({
    agent: new https.Agent({ ...options, proxyEnv: { https_proxy: proxy } } as https.AgentOptions),
  }),
  names: 'proxy',
  cold: COLD_TLS,
  second: WARM,
});

test('proxyEnv: a server that needs no proxy is the first hop itself', { skip }, async (t) => {
  const server = await serve((_req, res) => res.end());
  const proxyEnv = { http_proxy: 'http://localhost:1', no_proxy: `localhost:${server.port}` };
  const agent = new http.Agent({ proxyEnv } as http.AgentOptions);
  t.after(() => server.close());
  const { recorder } = await request(server, '/', { agent });
  assert.deepEqual(recorder.args('getConn'), [`localhost:${server.port}`]);
});

for (const tls of [false, true])
  test(`NODE_USE_ENV_PROXY, ${tls ? 'https' : 'http'}`, { skip }, async (t) => {
    const proxy = await httpProxy(t);
    const server = await serve((_req, res) => res.end('hello'), {
      ...(tls && { tls: await certificate('target.test') }),
    });
    t.after(() => server.close());
    const url = `http${tls ? 's' : ''}://target.test:${server.port}/`;
    const env = { NODE_USE_ENV_PROXY: '1', http_proxy: proxy.origin, https_proxy: proxy.origin };
    const child = spawn(process.execPath, [join(__dirname, '../fixtures/twice.js'), url, server.ca ?? ''], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const hostPort = `localhost:${proxy.port}`;
    assert.deepEqual(JSON.parse(output), [
      { status: 200, hostPort, sequence: tls ? COLD_TLS : COLD },
      { status: 200, hostPort, sequence: WARM },
    ]);
  });
