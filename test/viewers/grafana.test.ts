import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { DASHBOARD, filledIn, panel } from '../support/dashboard';
import { EXAMPLE, noStack, openStack, type Stack } from '../support/stack';
import { findTempo } from '../support/tools';

// What a user sees who follows examples/grafana, asked of a real Prometheus, and of a real Tempo if there is one.

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');
const noTempo = 'missing' in findTempo() && 'no Tempo: set TEMPO_BIN';
let stack: Stack;
let traffic: ChildProcess;

test('the dashboard asks the data sources that are provisioned, and Grafana is told where it is', () => {
  const { datasources } = parse(readFileSync(join(EXAMPLE, 'datasources.yaml'), 'utf8'));
  const uids = datasources.map(({ uid, type }: { uid: string; type: string }) => `${type} ${uid}`);
  assert.ok(DASHBOARD.panels.length >= 10);
  for (const { title, targets } of DASHBOARD.panels)
    for (const { datasource } of targets)
      assert.ok(uids.includes(`${datasource.type} ${datasource.uid}`), title);
  const { providers } = parse(readFileSync(join(EXAMPLE, 'dashboards.yaml'), 'utf8'));
  const { services } = parse(readFileSync(join(EXAMPLE, 'compose.yaml'), 'utf8'));
  assert.ok(services.grafana.volumes.includes(`./dashboards:${providers[0].options.path}:ro`));
});

describe('in Prometheus', { skip: noStack() }, () => {
  before(async () => {
    stack = await openStack();
    const program = join(__dirname, '../../examples/traffic/main.js');
    traffic = spawn(process.execPath, [program, '--metrics', '--seconds', '100'], {
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlp, OTEL_SERVICE_NAME: 'traffic' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
  after(async () => {
    if (traffic?.exitCode === null) {
      traffic.kill();
      await once(traffic, 'exit');
    }
    await stack?.close();
  });

  for (const { title, targets } of DASHBOARD.panels)
    for (const { expr } of targets)
      if (expr !== undefined)
        test(`“${title}” shows something: ${expr.slice(0, 40)}…`, async () => {
          await values(filledIn(expr));
        });

  test('where the time goes is told phase by phase', async () => {
    const [phases = '', queue = ''] = panel('Where the time of a request goes').targets.map(
      ({ expr }) => expr,
    );
    const found = await values(filledIn(phases), 6);
    assert.deepEqual(found.map(({ metric }) => metric.span_name).sort(), [
      'http.connect',
      'http.dns',
      'http.receive',
      'http.send',
      'http.tls',
      'http.wait',
    ]);
    const [waited] = await values(filledIn(queue));
    assert.ok(Number(waited?.value[1]) > 0);
  });

  test('the share of reused connections is a share', async () => {
    const [ratio] = await values(filledIn(panel('Requests on reused connections').targets[0]?.expr ?? ''));
    assert.equal(ratio?.metric.service_name, 'traffic');
    assert.ok(Number(ratio?.value[1]) > 0 && Number(ratio?.value[1]) < 1);
  });

  test('open connections are idle or active', async () => {
    const found = await values(filledIn(panel('Open connections').targets[0]?.expr ?? ''), 2);
    assert.deepEqual(found.map(({ metric }) => metric.http_connection_state).sort(), ['active', 'idle']);
  });

  test('set-up is told for lookup, connect and TLS', async () => {
    const found = await values(
      filledIn(panel('95th percentile of connection set-up').targets[0]?.expr ?? ''),
      3,
    );
    assert.deepEqual(found.map(({ metric }) => metric.phase).sort(), ['connect', 'dns', 'tls']);
  });

  test('failures are told by the phase that failed', async () => {
    const found = await values(filledIn(panel('Failures by phase').targets[0]?.expr ?? ''), 2);
    const names = found.map(({ metric }) => `${metric.span_name} ${metric.error_type}`);
    assert.ok(names.includes('http.connect ECONNREFUSED'), names.join());
  });

  test('the service can be chosen, and a dot of a panel leads to a trace', async () => {
    assert.deepEqual(
      DASHBOARD.templating.list.map(({ definition }) => definition),
      ['label_values(traces_span_metrics_calls_total, service_name)'],
    );
    const series = await eventually(() =>
      ask<Record<string, string>[]>('series', { 'match[]': 'traces_span_metrics_calls_total' }),
    );
    assert.ok(series.every(({ service_name }) => service_name === 'traffic'));
    const [exemplars] = await eventually(() =>
      ask<{ exemplars: { labels: Record<string, string> }[] }[]>('query_exemplars', {
        query: 'traces_span_metrics_duration_seconds_bucket{span_name="http.wait"}',
        start: String(Date.now() / 1000 - 600),
        end: String(Date.now() / 1000),
      }),
    );
    const { datasources } = parse(readFileSync(join(EXAMPLE, 'datasources.yaml'), 'utf8'));
    const label = datasources[0].jsonData.exemplarTraceIdDestinations[0].name;
    assert.match(exemplars?.exemplars[0]?.labels[label] ?? '', /^[0-9a-f]{32}$/);
  });

  test('the README’s PromQL finds what it is there for', async () => {
    const [, block = ''] = /```promql\n(.*?)```/s.exec(readme) ?? [];
    const queries = block.split(/^# .*$/m).flatMap((text) => text.trim() || []);
    assert.ok(queries.length >= 3);
    for (const query of queries)
      assert.ok(
        (await values(query)).some(({ value }) => Number(value[1]) > 0),
        query,
      );
  });

  test('spans are passed on to Tempo', { skip: !noTempo && 'there is a real one' }, async () => {
    await eventually(async () => (stack.passedOn() > 0 ? [1] : []));
  });

  test('the README’s TraceQL, and the dashboard’s, find what they are there for', {
    skip: noTempo,
  }, async () => {
    const rows = [...readme.matchAll(/^\| (.*?) \| `(\{ .*)` \|$/gm)].map(([, question, query]) => ({
      question,
      query,
    }));
    const panels = DASHBOARD.panels.flatMap(({ title, targets }) =>
      targets.flatMap(({ query }) => (query === undefined ? [] : { question: title, query })),
    );
    assert.deepEqual([rows.length >= 3, panels.length], [true, 2]);
    for (const { question, query = '' } of [...rows, ...panels]) {
      const titles = await eventually(() => traceTitles(query));
      const expected = /idle/.test(question ?? '')
        ? /died in the pool/
        : /200 ms/.test(question ?? '')
          ? /slow lookup/
          : /two sockets/;
      assert.ok(
        titles.some((title) => expected.test(title)),
        `${query}: ${titles}`,
      );
    }
  });
});

/** Asks until there are as many series with a number, or a minute is over. */
async function values(query: string, atLeast = 1): Promise<Series[]> {
  const isNumber = ({ value }: Series) => Number.isFinite(Number(value[1]));
  return await eventually(async () => {
    const { result } = await ask<{ result: Series[] }>('query', { query });
    const found = result.filter(isNumber);
    return found.length >= atLeast ? found : [];
  }, query);
}

async function eventually<T>(get: () => Promise<T[]>, what = ''): Promise<T[]> {
  for (let i = 0; i < 240; i++) {
    const found = await get();
    if (found.length > 0) return found;
    await pause(250);
  }
  throw new Error(`nothing within a minute: ${what}`);
}

async function ask<T>(path: string, params: Record<string, string>): Promise<T> {
  const response = await fetch(`${stack.prometheus}/api/v1/${path}?${new URLSearchParams(params)}`);
  const { data, error } = (await response.json()) as { data: T; error?: string };
  if (error) throw new Error(`${error}: ${JSON.stringify(params)}`);
  return data;
}

async function traceTitles(query: string): Promise<string[]> {
  const response = await fetch(
    `${stack.tempo}/api/search?${new URLSearchParams({ q: query, limit: '1000' })}`,
  );
  if (!response.ok) throw new Error(`${await response.text()}: ${query}`);
  const { traces } = (await response.json()) as { traces?: { rootTraceName: string }[] };
  return (traces ?? []).map(({ rootTraceName }) => rootTraceName);
}
