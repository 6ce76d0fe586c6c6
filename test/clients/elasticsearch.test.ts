import { Client } from '@elastic/elasticsearch';
import { clientTests } from './suite';

clientTests(
  'the client of Elasticsearch',
  (ca) => {
    const clients = new Map<string, Client>();
    const clientFor = (node: string) => {
      const made = clients.get(node) ?? new Client({ node, tls: { ca }, maxRetries: 0 });
      clients.set(node, made);
      return made;
    };
    return {
      async request(url, { body, timeout }) {
        const { origin, pathname } = new URL(url);
        const request = {
          path: pathname,
          method: body === undefined ? 'GET' : 'POST',
          ...(body && { body }),
        };
        const options = { requestTimeout: timeout, meta: true } as const;
        const answer = await clientFor(origin).transport.request(request, options);
        return { status: answer.statusCode, path: answer.headers['x-path'], body: answer.body };
      },
      close: () => Promise.all([...clients.values()].map((client) => client.close())),
    };
  },
  { follows: false },
);
