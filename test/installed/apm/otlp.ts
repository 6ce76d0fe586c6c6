import assert from 'node:assert/strict';
import { collectOtlp, wireTree } from '../../support/otlp-collector';
import type { Run } from './suite';

/** Runs an example that exports by OTLP, and holds what arrives to the two trees that there must be. */
export async function checkOtlp(run: Run): Promise<void> {
  const { spans, problems, origin, close } = await collectOtlp();
  try {
    const { stderr } = await run({
      OTEL_EXPORTER_OTLP_ENDPOINT: origin,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      // Some look for the cloud that they run in, for seconds.
      OTEL_NODE_RESOURCE_DETECTORS: 'none',
    });
    assert.deepEqual(problems, []);
    // Those of @opentelemetry/instrumentation-net and -dns are not ours to tell.
    const shown = spans.filter(({ scope }) => !/instrumentation-(net|dns)$/.test(scope));
    const clients = shown.filter(({ kind, scope }) => kind === 3 && scope.endsWith('instrumentation-http'));
    const trees = clients.sort((a, b) => Number(a.start - b.start)).map((span) => wireTree(span, shown));
    assert.deepEqual(
      trees,
      [
        'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }',
        'GET > { http.wait, http.receive }',
      ],
      stderr,
    );
    const [cold, reused] = clients;
    assert.equal(cold?.attributes['http.conn.reused'], false);
    assert.equal(reused?.attributes['http.conn.reused'], true);
    assert.equal(typeof reused?.attributes['http.conn.idle_time'], 'number');
  } finally {
    await close();
  }
}
