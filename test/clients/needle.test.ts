import https from 'node:https';
import { clientTests } from './suite';

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
  readonly bytes: number;
}
const needle: (method: string, url: string, body: unknown, options: object) => Promise<Answer> =
  require('needle');

clientTests(
  'needle',
  (ca) => {
    const agent = new https.Agent({ keepAlive: true, ca });
    return {
      async request(url, { body, timeout }) {
        const options = {
          agent,
          response_timeout: timeout,
          read_timeout: 300,
          follow_max: 5,
          compressed: true,
        };
        const method = body === undefined ? 'get' : 'post';
        const answer = await needle(method, url, body ?? null, options);
        const { statusCode, headers, bytes } = answer;
        return { statusCode, path: headers['x-path'], bytes, body: String(answer.body) };
      },
      close: () => agent.destroy(),
    };
  },
  { leavesRedirects: true },
);
