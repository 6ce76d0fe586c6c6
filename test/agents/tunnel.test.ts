import { httpOverHttp, httpsOverHttp, type ProxyOptions } from 'tunnel';
import { httpProxy } from '../support/proxies';
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
