import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { decode } from '@msgpack/msgpack';
import { serve } from '../../support/servers';
import { apmTest } from './suite';

interface DatadogSpan {
  readonly name: string;
  readonly span_id: bigint;
  readonly parent_id: bigint;
  readonly start: bigint;
  readonly metrics: Readonly<Record<string, number>>;
}

apmTest('datadog', 'dd-trace', ['20', '24'], async (run, t) => {
  const spans: DatadogSpan[] = [];
  const agent = await serve(async (req, res) => {
    const sent = await buffer(req);
    res.setHeader('content-type', 'application/json');
    if (req.url === '/info') return void res.end('{"endpoints":["/v0.4/traces"]}');
    if (req.url === '/v0.4/traces')
      for (const part of decode(sent, { useBigInt64: true }) as DatadogSpan[][]) spans.push(...part);
    res.end('{}');
  });
  t.after(agent.close);
  await run({
    DD_TRACE_AGENT_URL: agent.origin,
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
    DD_TRACE_STARTUP_LOGS: 'false',
  });
  const byStart = spans.sort((a, b) => Number(a.start - b.start));
  // Datadog's own spans of lookups and connections stay.
  const tree = ({ name, span_id }: DatadogSpan): string => {
    const below = byStart
      .filter((span) => span.parent_id === span_id && !/^(dns|tcp)\./.test(span.name))
      .map(tree);
    return below.length === 0 ? name : `${name} > { ${below.join(', ')} }`;
  };
  const requests = byStart.filter(({ name }) => name === 'http.request');
  assert.deepEqual(requests.map(tree), [
    'http.request > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }',
    'http.request > { http.wait, http.receive }',
  ]);
  // Its booleans are numbers.
  assert.equal(requests[0]?.metrics['http.conn.reused'], 0);
  assert.equal(requests[1]?.metrics['http.conn.reused'], 1);
  assert.equal(typeof requests[1]?.metrics['http.conn.idle_time'], 'number');
});
