import { Agent, request } from 'undici-7';
import { clientTests } from './suite';

clientTests(
  'undici',
  (ca) => {
    const dispatcher = new Agent({ connect: { ca } });
    return {
      async request(url, { body, timeout }) {
        const signal = AbortSignal.timeout(timeout);
        const options = { dispatcher, signal, ...(body !== undefined && { method: 'POST' as const, body }) };
        const res = await request(url, options);
        return { status: res.statusCode, path: res.headers['x-path'], text: await res.body.text() };
      },
      close: () => dispatcher.destroy(),
    };
  },
  { follows: false },
);
