import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type JaegerSpan, type JaegerTrace, noJaeger, openJaeger } from '../support/jaeger';
import { childrenOf, rootOf, tag } from '../support/jaegertrees';
import { runExample } from '../support/program';
import { namesOf, waterfalls } from '../support/waterfalls';

test('what npm start draws is what a real Jaeger is told', { skip: noJaeger() }, async (t) => {
  const jaeger = await openJaeger();
  t.after(jaeger.close);
  const service = `httptrace-test-${randomUUID()}`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlp, OTEL_SERVICE_NAME: service };
  const { code, stdout, stderr } = await runExample('waterfall/main.js', [], {
    ...env,
    OTEL_EXPORTER_OTLP_TIMEOUT: '20000',
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const drawn = waterfalls(stdout).map((printed) => `${printed.title.split(' ')[1]}\n${namesOf(printed)}`);
  assert.ok(drawn.length >= 9);

  let traces: JaegerTrace[] = [];
  for (let i = 0; i < 300 && traces.length < drawn.length; i++) {
    await pause(i && 100);
    traces = await jaeger.search({ service });
  }
  const told = traces.map((trace) => `${tag(rootOf(trace), 'url.full')}\n${names(trace, rootOf(trace))}`);
  assert.deepEqual(told.sort(), drawn.sort());
});

function names(trace: JaegerTrace, span: JaegerSpan, indent = ''): string {
  const below = childrenOf(trace, span).map((child) => names(trace, child, `${indent}  `));
  return [`${indent}${span.operationName}`, ...below].join('\n');
}
