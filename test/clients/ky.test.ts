import { clientTests } from './suite';

clientTests(
  'ky',
  async () => {
    const { default: ky } = await import('ky');
    return {
      async request(url, { body, timeout }) {
        const res = await ky(url, { timeout, retry: 0, ...(body !== undefined && { method: 'post', body }) });
        const { status, headers, redirected } = res;
        return { status, path: headers.get('x-path'), redirected, landed: res.url, text: await res.text() };
      },
      close: () => {},
    };
  },
  { tls: false },
);
