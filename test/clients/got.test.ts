import https from 'node:https';
import { clientTests } from './suite';

clientTests('got', async (ca) => {
  const { got } = await import('got');
  const agent = new https.Agent({ keepAlive: true, ca });
  return {
    async request(url, { body, timeout }) {
      const seen: string[] = [];
      const answer = got(url, {
        method: body === undefined ? 'GET' : 'POST',
        ...(body !== undefined && { body }),
        agent: { https: agent },
        timeout: { request: timeout },
        retry: { limit: 0 },
      });
      for (const event of ['request', 'response', 'redirect', 'uploadProgress'] as const)
        answer.on(event as 'request', () => seen.push(event));
      const { statusCode, headers, url: landed, timings, redirectUrls } = await answer;
      return {
        seen: seen.filter((event, i) => event !== seen[i - 1]),
        statusCode,
        path: headers['x-path'],
        landed,
        body: (await answer).body,
        redirectUrls: redirectUrls.map(String),
        timings: known(timings),
        phases: known(timings.phases),
      };
    },
    close: () => agent.destroy(),
  };
});

/** Which times are told. */
function known(times: object): string[] {
  return Object.entries(times)
    .filter(([, time]) => typeof time === 'number')
    .map(([name]) => name);
}
