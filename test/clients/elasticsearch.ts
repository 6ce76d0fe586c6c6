import { Client, type ClientOptions } from '@elastic/elasticsearch';
import { clientTests } from './suite';

/** @param connection - with what it makes its requests: undici, unless something else is said */
export function elasticsearchTests(name: string, connection: Pick<ClientOptions, 'Connection'> = {}): void {
  const open = (ca: string) => {
    const clients = new Map<string, Client>();
    const clientFor = (node: string) => {
      const made = clients.get(node) ?? new Client({ node, tls: { ca }, maxRetries: 0, ...connection });
      clients.set(node, made);
      return made;
    };
    return {
      async request(url: string, { body, timeout }: { readonly body?: string; readonly timeout: number }) {
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
  };
  clientTests(name, open, { follows: false });
}
