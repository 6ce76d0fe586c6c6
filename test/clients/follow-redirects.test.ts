import { type EventEmitter, once } from 'node:events';
import type http from 'node:http';
import nodeHttps from 'node:https';
import { text } from 'node:stream/consumers';
import { clientTests } from './suite';

const { https }: { https: typeof nodeHttps } = require('follow-redirects');

clientTests('follow-redirects', (ca) => {
  const agent = new nodeHttps.Agent({ keepAlive: true, ca });
  return {
    async request(url, { body, timeout }) {
      const req = https.request(url, { agent, timeout, method: body === undefined ? 'GET' : 'POST' });
      req.on('timeout', () => req.destroy(new Error('timed out')));
      req.end(body);
      const [res] = (await once(req as EventEmitter, 'response')) as [
        http.IncomingMessage & { responseUrl: string },
      ];
      return {
        status: res.statusCode,
        path: res.headers['x-path'],
        landed: res.responseUrl,
        text: await text(res),
      };
    },
    close: () => agent.destroy(),
  };
});
