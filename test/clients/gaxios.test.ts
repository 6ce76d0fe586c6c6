import https from 'node:https';
import { Gaxios } from 'gaxios';
import { clientTests } from './suite';

clientTests('gaxios', (ca) => {
  const agent = new https.Agent({ keepAlive: true, ca });
  const gaxios = new Gaxios({ agent, retry: false });
  return {
    async request(url, { body, timeout }) {
      const options = { url, timeout, method: body === undefined ? 'GET' : 'POST' } as const;
      const answer = await gaxios.request({ ...options, ...(body !== undefined && { data: body }) });
      const { status, data, headers, url: landed } = answer;
      return { status, data, path: headers.get('x-path'), landed };
    },
    close: () => agent.destroy(),
  };
});
