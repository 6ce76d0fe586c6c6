import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { serve } from '../../support/servers';
import { apmTest } from './suite';

interface SentrySpan {
  readonly name: string;
  readonly span_id: string;
  readonly parent_span_id?: string;
  readonly start_timestamp: number;
  readonly attributes: Readonly<Record<string, { readonly value: unknown }>>;
}

apmTest('sentry', '@sentry/node', ['20', '24'], async (run, t) => {
  const spans: SentrySpan[] = [];
  const ingest = await serve(async (req, res) => {
    const sent = await buffer(req);
    const envelope = req.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    for (const line of envelope.toString().split('\n').filter(Boolean))
      spans.push(...(JSON.parse(line).items ?? []));
    res.end('{}');
  });
  t.after(ingest.close);
  await run({ SENTRY_DSN: ingest.origin.replace('//', '//public@').concat('/1') });
  const byStart = spans.sort((a, b) => a.start_timestamp - b.start_timestamp);
  const tree = ({ name, span_id }: SentrySpan): string => {
    const below = byStart.filter(({ parent_span_id }) => parent_span_id === span_id).map(tree);
    return below.length === 0 ? name : `${name} > { ${below.join(', ')} }`;
  };
  assert.deepEqual(byStart.filter(({ parent_span_id }) => !parent_span_id).map(tree), [
    'job > { GET localhost > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }, ' +
      'GET localhost > { http.wait, http.receive } }',
  ]);
});
