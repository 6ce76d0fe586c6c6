import http from 'node:http';
import net from 'node:net';
import { HttpAgent, HttpsAgent } from 'agentkeepalive';
import { agentTests, watchAgents } from './suite';

watchAgents();

agentTests('agent: false', {
  options: () => ({ agent: false }),
  names: 'target',
  cold: 'GC DS DD CS CD GO HF WH WR FB RT',
  connections: 20,
});

agentTests('agent: false, https', {
  tls: true,
  options: (_proxy, { ca }) => ({ agent: false, ...(ca && { ca }) }),
  names: 'target',
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB RT',
  connections: 20,
});

agentTests('createConnection without an agent', {
  options: () => ({ createConnection: (options) => net.connect(options as net.NetConnectOpts) }),
  names: 'target',
  cold: 'GC DS DD CS CD GO HF WH WR FB RT',
  connections: 20,
});

agentTests('createConnection of an agent', {
  options: (_proxy, options) => ({
    agent: Object.assign(new http.Agent(options), {
      createConnection: (given: net.NetConnectOpts) => net.connect(given),
    }),
  }),
  names: 'target',
  cold: 'GC DS DD CS CD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});

agentTests('agentkeepalive', {
  options: (_proxy, options) => ({ agent: new HttpAgent(options) }),
  names: 'target',
  cold: 'GC DS DD CS CD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});

agentTests('agentkeepalive, https', {
  tls: true,
  options: (_proxy, options) => ({ agent: new HttpsAgent(options) }),
  names: 'target',
  cold: 'GC DS DD CS CD TS TD GO HF WH WR FB PI RT',
  second: 'GC GO HF WH WR FB PI RT',
  connections: 4,
});
