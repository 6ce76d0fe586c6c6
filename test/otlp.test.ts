import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runExample } from './support/program';
import { closedPort, serve } from './support/servers';
import { waterfalls } from './support/waterfalls';

interface Exported {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}
interface ExportRequest {
  readonly resourceSpans: { readonly scopeSpans: { readonly spans: Exported[] }[] }[];
}

// Longer than a busy machine lets us wait.
const PATIENT = { OTEL_EXPORTER_OTLP_TIMEOUT: '20000' };

const run = (url: string, env: NodeJS.ProcessEnv) => runExample('waterfall/main.js', [url], env);

/** A collector that keeps what it is sent, or refuses it. */
async function collector(status = 200) {
  const spans: Exported[] = [];
  const paths: string[] = [];
  const server = await serve(async (req, res) => {
    paths.push(`${req.method} ${req.url} ${req.headers['content-type']}`);
    const sent = JSON.parse(await text(req)) as ExportRequest;
    for (const { scopeSpans } of sent.resourceSpans) for (const each of scopeSpans) spans.push(...each.spans);
    res.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  return { ...server, spans, paths };
}

test('with an OTLP endpoint every span is sent there before the process ends, and none of the export itself', async (t) => {
  const [server, otlp] = [await serve((_req, res) => res.end('hello')), await collector()];
  t.after(otlp.close);
  t.after(server.close);
  const endpoints = {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.origin,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${otlp.origin}/v1/traces`,
  };
  for (const [name, endpoint] of Object.entries(endpoints)) {
    otlp.spans.length = otlp.paths.length = 0;
    const { code, stdout, stderr } = await run(server.origin, { ...PATIENT, [name]: endpoint });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(waterfalls(stdout).length, 1);
    assert.deepEqual(otlp.paths, ['POST /v1/traces application/json']);
    const [get] = otlp.spans.filter((span) => !span.parentSpanId);
    const children = otlp.spans.filter((span) => get && span.parentSpanId === get.spanId);
    assert.deepEqual(
      children.map((span) => span.name),
      ['http.getconn', 'http.wait', 'http.receive'],
    );
    assert.deepEqual([...new Set(otlp.spans.map((span) => span.name))].sort(), [
      'GET',
      'http.connect',
      'http.dns',
      'http.getconn',
      'http.receive',
      'http.wait',
    ]);
  }
});

test('an export that fails is one line on stderr, and changes neither picture nor exit code', async (t) => {
  const [server, otlp] = [await serve((_req, res) => res.end('hello')), await collector(400)];
  t.after(otlp.close);
  t.after(server.close);
  const failures: [NodeJS.ProcessEnv, RegExp][] = [
    [{ ...PATIENT, OTEL_EXPORTER_OTLP_ENDPOINT: otlp.origin }, /export by OTLP failed: Bad Request/],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://localhost:${await closedPort()}`,
        OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      },
      /export by OTLP failed: .*(ECONNREFUSED|timed out)/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }, /ENDPOINT is no http or https URL: localhost:4318/],
  ];
  for (const [env, message] of failures) {
    const { code, stdout, stderr } = await run(server.origin, env);
    assert.match(stderr, message);
    assert.match(stderr, /^waterfall: [^\n]*\n$/, 'one line');
    assert.equal(code, 0);
    assert.equal(waterfalls(stdout).length, 1);
  }
});
