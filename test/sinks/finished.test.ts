import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import {
  context,
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SamplingDecision,
  SimpleSpanProcessor,
  type SpanLimits,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from '../../src';
import { Finisher } from '../../src/sinks/finished';
import type { PhaseWriter } from '../../src/sinks/phase';
import { PhaseTrace } from '../../src/sinks/phases';
import { SpanWriter } from '../../src/sinks/spans';
import { addSource } from '../../src/tracing';
import { send } from '../support/client';
import { closedPort, serve, type TestServer } from '../support/servers';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const memory = new InMemorySpanExporter();
const ours = new HttpTraceInstrumentation({ mode: 'off' });
let server: TestServer;

before(async () => {
  server = await serve(
    (req, res) => {
      if (req.url === '/hints') res.writeEarlyHints({ link: '</a>; rel=preload' });
      req.resume().on('end', () => res.end('hello'));
    },
    { tls: true },
  );
});
after(() => server.close());
beforeEach(() => memory.reset());

function providerWith(processors: SpanProcessor[], spanLimits: SpanLimits = {}): TracerProvider {
  return new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    spanLimits,
    spanProcessors: processors,
  });
}

function exporting(): SpanProcessor {
  return new SimpleSpanProcessor({ exporter: memory });
}

/** A finisher that knows the tracer. */
function taught(tracer: Tracer): Finisher {
  const finisher = new Finisher();
  const parent = tracer.startSpan('parent');
  const span = tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, parent));
  span.end();
  parent.end();
  finisher.learn(span);
  memory.reset();
  return finisher;
}

/** Requests under a span, whose phases are written twice: by the tracer, and finished. */
async function writtenTwice(requests: () => Promise<unknown>): Promise<[ReadableSpan[], ReadableSpan[]]> {
  const provider = providerWith([new HttpTraceSpanProcessor(exporting())]);
  const tracer = provider.getTracer('phases', '1.2.3');
  const finisher = taught(tracer);
  const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 3 };
  const caller = trace.setSpanContext(ROOT_CONTEXT, {
    ...remote,
    isRemote: true,
    traceState: createTraceState('vendor=value'),
  });
  const parent = tracer.startSpan('parent', {}, caller);
  const ctx = trace.setSpan(ROOT_CONTEXT, parent);
  const results: [ReadableSpan[], ReadableSpan[]] = [[], []];
  const remove = addSource({
    mayWant: true,
    wants: () => true,
    ignores: () => false,
    coalesceLookups: false,
    traceFor: (_ctx, exchange) => {
      const byTracer = new SpanWriter(tracer, ctx, parent, 0, new Finisher(), exchange);
      const finished = new SpanWriter(tracer, ctx, parent, 0, finisher, exchange);
      return new PhaseTrace(exchange, twice(byTracer, finished, results));
    },
  });
  try {
    await context.with(ctx, requests);
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    remove();
  }
  return results;
}

/** Everything to both writers, which share the phases; what they export is told apart. */
function twice(first: SpanWriter, second: SpanWriter, [a, b]: [ReadableSpan[], ReadableSpan[]]): PhaseWriter {
  return {
    began: first.began,
    connected(exchange, info, waited) {
      first.connected(exchange, info, waited);
      second.connected(exchange, info, waited);
    },
    phase(phase) {
      first.phase(phase);
      second.phase(phase);
    },
    mark: (mark, phase) => first.mark(mark, phase),
    done(err) {
      for (const [writer, spans] of [[first, a] as const, [second, b] as const]) {
        memory.reset();
        writer.done(err);
        spans.push(...memory.getFinishedSpans());
      }
    },
  };
}

/** What a collector receives. */
async function exported(Exporter: typeof JsonExporter, spans: ReadableSpan[]): Promise<Buffer> {
  let body = Buffer.alloc(0);
  const collector = http.createServer(async (req, res) => {
    body = await buffer(req);
    res.end();
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as { port: number };
  const otlp = new Exporter({ url: `http://127.0.0.1:${port}/v1/traces` });
  await new Promise((resolve) => otlp.export(spans, resolve));
  await otlp.shutdown();
  collector.close();
  return body;
}

/** The same bytes with the ids of other spans, in their order. */
function withIdsOf(
  body: Buffer,
  spans: ReadableSpan[],
  others: ReadableSpan[],
  form: 'hex' | 'latin1',
): string {
  let text = body.toString('latin1');
  spans.forEach((span, i) => {
    const [from, to] = [span, others[i]].map((each) => each?.spanContext().spanId ?? '');
    const written = (id = '') => (form === 'hex' ? id : Buffer.from(id, 'hex').toString('latin1'));
    text = text.split(written(from)).join(written(to));
  });
  return text;
}

function firstDifference(actual: string, expected: string): string {
  const at = [...actual].findIndex((character, i) => character !== expected[i]);
  return `${actual.slice(at - 80, at + 80)} is not ${expected.slice(at - 80, at + 80)}`;
}

const lookup = (_host: string, _options: unknown, callback: (...args: unknown[]) => void) =>
  setImmediate(callback, null, [
    { address: '127.0.0.2', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ]);

test('finished spans are those of the tracer to the byte, as JSON and as protobuf, but for their random ids', async () => {
  const port = await closedPort();
  const [byTracer, finished] = await writtenTwice(async () => {
    const agent = new http.Agent({ keepAlive: true });
    const { Agent } = await import('node:https');
    const secure = new Agent({ keepAlive: true });
    const options = { agent: secure, ca: server.ca };
    // New, with a name to look up and an address that refuses; reused; with a body; with moments; failing.
    await send(new URL(`https://localhost:${server.port}/`), {
      ...options,
      lookup,
      autoSelectFamily: true,
    } as never);
    await send(new URL(`https://localhost:${server.port}/hints`), { ...options, lookup } as never);
    const post = { ...options, method: 'POST', body: 'x'.repeat(20_000), lookup };
    await send(new URL(`https://localhost:${server.port}/post`), post as never);
    await send(new URL(`http://127.0.0.1:${port}/`), { agent });
    secure.destroy();
  });
  const names = byTracer.map(({ name }) => name);
  for (const name of ['dns', 'connect', 'tls', 'getconn', 'send', 'wait', 'receive'])
    assert.ok(names.includes(`http.${name}`), name);
  assert.ok(byTracer.some(({ links }) => links.length === 1));
  assert.ok(byTracer.some(({ events }) => events.length > 0));
  assert.ok(byTracer.some(({ status }) => status.message));
  assert.equal(new Set(finished.map((span) => span.spanContext().spanId)).size, finished.length);
  for (const [Exporter, form] of [
    [JsonExporter, 'hex'],
    [ProtobufExporter, 'latin1'],
  ] as const) {
    const expected = await exported(Exporter as typeof JsonExporter, byTracer);
    const actual = await exported(Exporter as typeof JsonExporter, finished);
    assert.ok(expected.length > 1000);
    // Links of both lead to the finished span of the request that opened the connection.
    const same = (body: Buffer) => withIdsOf(body, finished, byTracer, form);
    assert.ok(same(actual) === same(expected), `${form}: ${firstDifference(same(actual), same(expected))}`);
  }
});

test('finished spans have all that the tracer’s have, but for what is private', async () => {
  const [byTracer, finished] = await writtenTwice(() =>
    send(new URL(`https://localhost:${server.port}/`), { ca: server.ca } as never),
  );
  const [expected, actual] = [byTracer.at(-1), finished.at(-1)];
  assert.ok(expected && actual);
  const proto = Object.getOwnPropertyNames(Object.getPrototypeOf(actual));
  for (const key of [...Object.keys(expected), 'duration', 'ended', 'droppedLinksCount']) {
    if (key.startsWith('_')) continue;
    const [a, b] = [expected, actual] as unknown as Record<string, unknown>[];
    assert.ok(key in (b ?? {}) || proto.includes(key), key);
    if (key === 'links' && expected.links.length > 0) continue;
    assert.deepEqual(complete(b?.[key]), complete(a?.[key]), key);
  }
  assert.ok(nanosOf(actual.duration) > 0n);
});

/** Of an event that has no attributes the SDK 3.x says nothing, and 2.x that there are none. */
function complete(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each) =>
    typeof each === 'object' ? { attributes: {}, droppedAttributesCount: 0, ...each } : each,
  );
}

function nanosOf([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

/** Whether the phases of a span of one provider may be handed over. */
function takes(processors: SpanProcessor[], limits?: SpanLimits, parent?: Span): boolean {
  const tracer = providerWith(processors, limits).getTracer('test');
  return taught(tracer).takes(parent ?? tracer.startSpan('parent'), 0);
}

class Enriching extends SimpleSpanProcessor {
  override onStart(span: { setAttribute(key: string, value: string): unknown }): void {
    span.setAttribute('tenant', 'a');
  }
}

test('only where every processor takes finished spans: what starts or ends spans otherwise is asked as ever', () => {
  const wrapped = () => new HttpTraceSpanProcessor(exporting());
  const ending = Object.assign(exporting(), { onEnding() {} });
  assert.equal(takes([wrapped()]), true);
  assert.equal(takes([wrapped(), wrapped()]), true);
  assert.equal(takes([exporting()]), false);
  assert.equal(takes([wrapped(), exporting()]), false);
  assert.equal(takes([new HttpTraceSpanProcessor(), exporting()]), false);
  assert.equal(takes([new HttpTraceSpanProcessor(new Enriching({ exporter: memory }) as never)]), false);
  assert.equal(takes([new HttpTraceSpanProcessor(ending as never)]), false);
  assert.equal(takes([]), false);
});

test('not where limits may cut something off', () => {
  const wrapped = () => new HttpTraceSpanProcessor(exporting());
  for (const limits of [{ attributeValueLengthLimit: 20 }, { attributeCountLimit: 5 }, { linkCountLimit: 0 }])
    assert.equal(takes([wrapped()], limits), false);
  const tracer = providerWith([wrapped()], { eventCountLimit: 2 }).getTracer('test');
  assert.equal(taught(tracer).takes(tracer.startSpan('parent'), 2), true);
  assert.equal(taught(tracer).takes(tracer.startSpan('parent'), 3), false);
});

test('not for a span of another provider, one that is not of an SDK, or one that is not sampled', () => {
  const wrapped = () => new HttpTraceSpanProcessor(exporting());
  const other = providerWith([wrapped()]).getTracer('other').startSpan('parent');
  assert.equal(takes([wrapped()], {}, other), false);
  const ids: SpanContext = {
    traceId: '0'.repeat(31) + 1,
    spanId: '0'.repeat(15) + 1,
    traceFlags: TraceFlags.SAMPLED,
  };
  assert.equal(takes([wrapped()], {}, trace.wrapSpanContext(ids)), false);
  const recorded = new TracerProvider({
    sampler: { shouldSample: () => ({ decision: SamplingDecision.RECORD }), toString: () => 'record' },
    spanProcessors: [wrapped()],
  }).getTracer('test');
  assert.equal(taught(recorded).takes(recorded.startSpan('parent'), 0), false);
});

test('end to end: the first request’s phases are written by the tracer, the next ones finished; of what is not sampled there is nothing', async () => {
  let sampled = true;
  const started: string[] = [];
  const inner = exporting();
  const processor = new HttpTraceSpanProcessor(inner);
  const onStart = processor.onStart.bind(processor);
  processor.onStart = (span, ctx) => {
    started.push((span as unknown as ReadableSpan).name);
    onStart(span, ctx);
  };
  const provider = new TracerProvider({
    sampler: {
      shouldSample: () => ({
        decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
      }),
      toString: () => 'switch',
    },
    spanProcessors: [processor],
  });
  ours.setTracerProvider(provider);
  ours.setConfig({ mode: 'spans' });
  const agent = new http.Agent({ keepAlive: true });
  const plain = await serve((_req, res) => res.end('hello'));
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) {
    sampled = i !== 2;
    memory.reset();
    const parent = provider.getTracer('test').startSpan('parent');
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () => send(new URL(plain.origin), { agent }));
    await new Promise((resolve) => setImmediate(resolve));
    parent.end();
    counts.push(memory.getFinishedSpans().length);
  }
  agent.destroy();
  ours.setConfig({ mode: 'off' });
  await plain.close();
  assert.deepEqual(counts, [6, 3, 0, 3]);
  assert.deepEqual(
    started.filter((name) => name !== 'parent'),
    ['http.getconn', 'http.dns', 'http.connect', 'http.wait', 'http.receive'],
  );
  const names = memory.getFinishedSpans().map(({ name }) => name);
  assert.deepEqual(names.sort(), ['http.receive', 'http.wait', 'parent']);
});
