import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { httpProxy, socksProxy } from '../support/proxies';
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
