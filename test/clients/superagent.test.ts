import https from 'node:https';
import { clientTests } from './suite';

type Superagent = (method: string, url: string) => Request;
interface Request extends Promise<Record<string, unknown>> {
  agent(agent: https.Agent): Request;
  timeout(ms: number): Request;
  send(body: string | undefined): Request;
  type(type: string): Request;
}
const superagent: Superagent = require('superagent');

clientTests('superagent', (ca) => {
  const agent = new https.Agent({ keepAlive: true, ca });
  return {
    async request(url, { body, timeout }) {
      const req = superagent(body === undefined ? 'GET' : 'POST', url)
        .agent(agent)
        .timeout(timeout);
      const res = await (body === undefined ? req : req.type('text/plain').send(body));
      const { status, text, redirects, headers, ok } = res;
      return { status, ok, text, redirects, path: (headers as Record<string, string>)['x-path'] };
    },
    close: () => agent.destroy(),
  };
});
