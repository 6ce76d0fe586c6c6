import https from 'node:https';
import { clientTests } from './suite';

// Its types are those of version 3, which has another module format.
const fetch: typeof import('node-fetch').default = require('node-fetch-2');

clientTests('node-fetch 2', (ca) => {
  const agent = new https.Agent({ keepAlive: true, ca });
  return {
    async request(url, { body, timeout }) {
      const signal = AbortSignal.timeout(timeout);
      const res = await fetch(url, { agent, signal, ...(body !== undefined && { method: 'POST', body }) });
      const { status, headers, redirected } = res;
      return { status, path: headers.get('x-path'), redirected, landed: res.url, text: await res.text() };
    },
    close: () => agent.destroy(),
  };
});
