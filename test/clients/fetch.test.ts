import { clientTests } from './suite';

clientTests(
  'fetch',
  () => ({
    async request(url, { body, timeout }) {
      const signal = AbortSignal.timeout(timeout);
      const res = await fetch(url, { signal, ...(body !== undefined && { method: 'POST', body }) });
      const { status, headers, redirected } = res;
      return { status, path: headers.get('x-path'), redirected, landed: res.url, text: await res.text() };
    },
    close: () => {},
  }),
  { tls: false },
);
