import https from 'node:https';
import axios from 'axios';
import { clientTests } from './suite';

clientTests('axios', (ca) => {
  const httpsAgent = new https.Agent({ keepAlive: true, ca });
  return {
    async request(url, { body, timeout }) {
      const { status, data, headers, request } = await axios.request({
        url,
        method: body === undefined ? 'GET' : 'POST',
        ...(body !== undefined && { data: body }),
        timeout,
        httpsAgent,
      });
      return { status, data, path: headers['x-path'], landed: request.res.responseUrl };
    },
    close: () => httpsAgent.destroy(),
  };
});
