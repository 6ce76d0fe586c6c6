import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation } from '../src';
import { send } from './support/client';
import { registerHttpInstrumentation } from './support/otel';
import { collectOtlp, type WireSpan, wireTree } from './support/otlp-collector';
import { closedPort, serve } from './support/servers';

// What a batch processor and the two exporters send of a cold, a reused and a failed request, decoded by the protocol's own messages.

type Collector = Awaited<ReturnType<typeof collectOtlp>>;
let json: Collector;
let protobuf: Collector;

before(async () => {
  [json, protobuf] = [await collectOtlp(), await collectOtlp()];
  const exporters = [
    new JsonExporter({ url: `${json.origin}/v1/traces` }),
    new ProtobufExporter({ url: `${protobuf.origin}/v1/traces` }),
  ];
  const provider = new TracerProvider({
    spanProcessors: exporters.map((exporter) => new BatchSpanProcessor({ exporter })),
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  registerHttpInstrumentation();
  new HttpTraceInstrumentation();

  const server = await serve((_req, res) => res.end('hello'), { tls: true });
  const agent = new https.Agent({ keepAlive: true, ca: server.ca });
  for (const path of ['/cold', '/reused']) {
    await send(new URL(path, server.origin), { agent });
    await sleep(10);
  }
  await send(new URL(`https://127.0.0.1:${await closedPort()}/failed`));
  agent.destroy();
  await server.close();
  // A second time: what the first export did itself would be exported now.
  await provider.forceFlush();
  await provider.shutdown();
});
after(() => Promise.all([json.close(), protobuf.close()]));

const clientSpan = (spans: readonly WireSpan[], path: string) => {
  const found = spans.find(
    ({ kind, attributes }) => kind === 3 && String(attributes['url.full']).endsWith(path),
  );
  assert.ok(found, path);
  return found;
};

for (const [name, collector, type] of [
  ['JSON', () => json, 'application/json'],
  ['protobuf', () => protobuf, 'application/x-protobuf'],
] as const) {
  test(`OTLP in ${name} is by the protocol, and the exports themselves are in it nowhere`, () => {
    const { requests, problems, spans, port } = collector();
    assert.deepEqual(problems, []);
    assert.deepEqual([...new Set(requests)], [`POST /v1/traces ${type}`]);
    assert.equal(spans.filter(({ kind }) => kind === 3).length, 3);
    const ours = spans.filter(({ scope }) => scope === 'opentelemetry-instrumentation-httptrace');
    assert.equal(ours.length, 6 + 2 + 2);
    // The collectors run in this process, so that there are SERVER spans of them.
    for (const { kind, attributes } of spans)
      if (kind !== 2) assert.notEqual(attributes['server.port'], port);
  });

  test(`OTLP in ${name}: the trees`, () => {
    const { spans } = collector();
    assert.equal(
      wireTree(clientSpan(spans, '/cold'), spans),
      'GET > { http.getconn > { http.dns, http.connect, http.tls }, http.wait, http.receive }',
    );
    assert.equal(wireTree(clientSpan(spans, '/reused'), spans), 'GET > { http.wait, http.receive }');
    const failed = clientSpan(spans, '/failed');
    assert.equal(wireTree(failed, spans), 'GET > { http.getconn > { http.connect } }');
    const phases = spans.filter(({ name, traceId }) => name !== 'GET' && traceId === failed.traceId);
    for (const { status, attributes } of phases) {
      assert.equal(status, 2);
      assert.equal(attributes['error.type'], 'ECONNREFUSED');
    }
  });

  test(`OTLP in ${name}: types of attributes, kinds, events, links, and times inside of the parent`, () => {
    const { spans } = collector();
    const { attributes: facts } = clientSpan(spans, '/reused');
    assert.equal(facts['http.conn.reused'], true);
    assert.equal(typeof facts['http.conn.idle_time'], 'number');
    assert.equal(facts['http.conn.request_count'], 2);
    const byName = (name: string) => spans.find((span) => span.name === name);
    assert.deepEqual(byName('http.dns')?.attributes['dns.answers'], ['127.0.0.1']);
    assert.equal(byName('http.tls')?.attributes['tls.protocol.version'], '1.3');
    assert.equal(byName('http.tls')?.attributes['tls.resumed'], false);
    for (const span of spans) {
      const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
      if (span.scope !== 'opentelemetry-instrumentation-httptrace') continue;
      assert.equal(span.kind, 1, span.name);
      assert.ok(parent && span.start >= parent.start && span.end <= parent.end, span.name);
      for (const { time } of span.events) assert.ok(time >= span.start, span.name);
    }
    const opener = byName('http.getconn');
    const linked = spans.filter(({ links }) => links.length > 0);
    assert.equal(linked.length, 1);
    assert.deepEqual(linked[0]?.links, [{ traceId: opener?.traceId, spanId: opener?.spanId }]);
    assert.equal(linked[0]?.parentSpanId, clientSpan(spans, '/reused').spanId);
  });
}

test('JSON and protobuf say the same', () => {
  const sorted = ({ spans }: Collector) => [...spans].sort((a, b) => a.spanId.localeCompare(b.spanId));
  assert.deepEqual(sorted(json), sorted(protobuf));
});
