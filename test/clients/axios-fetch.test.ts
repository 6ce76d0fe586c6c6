import axios from 'axios';
import { clientTests } from './suite';

clientTests(
  'axios with its adapter for fetch',
  () => ({
    async request(url, { body, timeout }) {
      const { status, data, headers, request } = await axios.request({
        url,
        method: body === undefined ? 'GET' : 'POST',
        ...(body !== undefined && { data: body }),
        timeout,
        adapter: 'fetch',
      });
      return { status, data, path: headers['x-path'], asked: request.url };
    },
    close: () => {},
  }),
  { tls: false },
);
