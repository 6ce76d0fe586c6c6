import https from 'node:https';
import { clientTests } from './suite';

clientTests('node-fetch 3', async (ca) => {
  const { default: fetch } = await import('node-fetch');
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
