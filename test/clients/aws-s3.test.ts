import https from 'node:https';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientTests } from './suite';

clientTests(
  'the S3 client of AWS',
  (ca) => {
    const httpsAgent = new https.Agent({ keepAlive: true, ca });
    return {
      async request(url, { body, timeout }) {
        const { origin, pathname } = new URL(url);
        const s3 = new S3Client({
          endpoint: origin,
          region: 'us-east-1',
          forcePathStyle: true,
          maxAttempts: 1,
          credentials: { accessKeyId: 'nobody', secretAccessKey: 'secret' },
          requestHandler: { httpsAgent, requestTimeout: timeout, throwOnRequestTimeout: true },
        });
        const object = { Bucket: 'bucket', Key: pathname.slice(1) };
        if (body !== undefined) {
          const { $metadata } = await s3.send(new PutObjectCommand({ ...object, Body: body }));
          return { status: $metadata.httpStatusCode, attempts: $metadata.attempts };
        }
        const { $metadata, Body, ContentLength } = await s3.send(new GetObjectCommand(object));
        const text = await Body?.transformToString();
        return { status: $metadata.httpStatusCode, attempts: $metadata.attempts, ContentLength, text };
      },
      close: () => httpsAgent.destroy(),
    };
  },
  { follows: false },
);
