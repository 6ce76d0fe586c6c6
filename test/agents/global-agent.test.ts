import http from 'node:http';
import https from 'node:https';
import { after } from 'node:test';
import { httpProxy } from '../support/proxies';
import { agentTests, watchAgents } from './suite';

watchAgents();

const ours = [http, https].map(({ globalAgent, get, request }) => ({ globalAgent, get, request }));
// Not imported: it takes `http.request` as it finds it, and calls that.
const { createGlobalProxyAgent } = require('global-agent');
const proxies = createGlobalProxyAgent({ environmentVariableNamespace: 'TEST_' });
after(() => {
  Object.assign(http, ours[0]);
  Object.assign(https, ours[1]);
});

/** It keeps to itself which proxy it uses, so `getConn` names the target. It has no pool and no queue: a connection each. */
const shape = { proxy: httpProxy, names: 'target', connections: 20 } as const;

agentTests('global-agent', {
  ...shape,
  options: (proxy) => {
    proxies.HTTP_PROXY = proxy;
    return {};
  },
  cold: 'GC DS DD CS CD GO HF WH WR FB RT',
});

agentTests('global-agent, https', {
  ...shape,
  tls: true,
  options: (proxy, { ca }) => {
    proxies.HTTP_PROXY = proxy;
    // Without this, which nobody sets any more, it leaves out the name and the authority when it makes its TLS socket.
    return { secureEndpoint: true, ...(ca && { ca }) } as https.RequestOptions;
  },
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB RT',
});
