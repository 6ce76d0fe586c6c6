import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { context, ROOT_CONTEXT, type SpanContext, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { HttpTraceSpanProcessor } from '../../src';
import { endLookout, lookOut, requestSpanOf } from '../../src/clientspan';
import { type Begun, now } from '../../src/clock';
import { resolveConfig } from '../../src/config';
import { RoundTrip } from '../../src/probes/roundtrip';
import { anchorWithin } from '../../src/sinks/anchor';
import { ConfiguredSource } from '../../src/source';
import { addSource, isWanted, type RequestSpan } from '../../src/tracing';
import { collectDiag } from '../support/diag';
import { exporter, milliseconds, nanos, registerSdk } from '../support/otel';

const provider = registerSdk();
const tracer = provider.getTracer('test');
const messages = collectDiag();

beforeEach(() => {
  exporter.reset();
  messages.length = 0;
});

const TARGET = { protocol: 'http:', host: 'localhost', port: 80 } as const;
const IDS: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};

/** A request that fails at once, under a span of which no more is known. */
function failing(requestSpan: RequestSpan, mode: string): void {
  const remove = addSource(new ConfiguredSource(resolveConfig({ mode }), () => tracer));
  if (isWanted(ROOT_CONTEXT, requestSpan))
    RoundTrip.begin({}, ROOT_CONTEXT, 'undici', TARGET, requestSpan)?.done(new Error('refused'));
  remove();
}

function begun(): Begun {
  return { earliest: Date.now(), by: now(), latest: Date.now() };
}

test('a span of which only the ids are known has children', () => {
  failing({ span: undefined, spanContext: IDS, begun: begun() }, 'spans');
  const [child] = exporter.getFinishedSpans();
  assert.equal(child?.name, 'http.getconn');
  assert.equal(child.spanContext().traceId, IDS.traceId);
  assert.equal(child.parentSpanContext?.spanId, IDS.spanId);
});

test('a span whose ids become known while the request runs has children', () => {
  const late = { span: undefined, spanContext: undefined as SpanContext | undefined, begun: begun() };
  const remove = addSource(new ConfiguredSource(resolveConfig({}), () => tracer));
  assert.ok(isWanted(ROOT_CONTEXT, late));
  const roundTrip = RoundTrip.begin({}, ROOT_CONTEXT, 'http', TARGET, late);
  late.spanContext = IDS;
  roundTrip?.done(new Error('refused'));
  remove();
  assert.equal(exporter.getFinishedSpans()[0]?.parentSpanContext?.spanId, IDS.spanId);
});

test('a span that is not sampled, or never shows, has none', () => {
  failing({ span: undefined, spanContext: { ...IDS, traceFlags: TraceFlags.NONE }, begun: begun() }, 'spans');
  failing({ span: undefined, spanContext: undefined, begun: begun() }, 'spans');
  assert.deepEqual(exporter.getFinishedSpans(), []);
});

test('a span that can be written to has attributes and events; the active one is left alone', () => {
  const active = tracer.startSpan('active');
  const span = tracer.startSpan('request');
  const remove = addSource(new ConfiguredSource(resolveConfig({ mode: 'events' }), () => tracer));
  const ctx = trace.setSpan(ROOT_CONTEXT, active);
  RoundTrip.begin({}, ctx, 'undici', TARGET, { span, spanContext: span.spanContext(), begun: begun() })?.done(
    new Error('refused'),
  );
  remove();
  for (const each of [span, active]) each.end();
  const events = exporter.getFinishedSpans().map((each) => [each.name, each.events.map(({ name }) => name)]);
  assert.deepEqual(events, [
    ['request', ['http.getconn.start', 'http.getconn.done']],
    ['active', []],
  ]);
});

test('modes that write to the span itself say once that they cannot', () => {
  const remove = addSource(new ConfiguredSource(resolveConfig({ mode: 'attributes' }), () => tracer));
  for (let i = 0; i < 3; i++)
    RoundTrip.begin({}, ROOT_CONTEXT, 'undici', TARGET, {
      span: undefined,
      spanContext: IDS,
      begun: begun(),
    });
  remove();
  assert.deepEqual(
    messages.map(({ level, text }) => [level, /HttpTraceSpanProcessor/.test(text)]),
    [['warn', true]],
  );
});

test('the clock of a span is known by when it began: no child is outside of it', () => {
  for (let i = 0; i < 5_000; i++) {
    const earliest = Date.now();
    const parent = tracer.startSpan('parent');
    const within: Begun = { earliest, by: now(), latest: Date.now() };
    const from = now();
    while (now() - from < 0.1 * (i % 20));
    const anchor = anchorWithin(within);
    const [start, end] = [anchor.at(from), anchor.at(now())];
    parent.end();
    const [ended] = exporter.getFinishedSpans();
    exporter.reset();
    assert.ok(ended);
    assert.ok(nanos(start) >= nanos(ended.startTime), 'starts before its parent');
    // A parent that was shorter than the time it took to begin it leaves no room for certainty.
    if (milliseconds(ended) >= within.latest - within.earliest)
      assert.ok(nanos(end) <= nanos(ended.endTime), 'ends after its parent');
  }
});

test('a millisecond that passed while the span began is taken off the first millisecond, and no other time', () => {
  const anchor = anchorWithin({ earliest: 1_999, latest: 2_000, by: 50 });
  assert.deepEqual(
    [50, 50.5, 51, 52.25].map((time) => anchor.at(time)),
    [
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 1_250_000],
    ],
  );
});

test('HttpTraceSpanProcessor passes everything on, with this and arguments, once', async () => {
  const calls: unknown[][] = [];
  const inner = {
    onStart(...args: unknown[]) {
      calls.push(['onStart', this === inner, ...args]);
    },
    onEnding(...args: unknown[]) {
      calls.push(['onEnding', this === inner, ...args]);
    },
    onEnd(...args: unknown[]) {
      calls.push(['onEnd', this === inner, ...args]);
    },
    async forceFlush() {
      calls.push(['forceFlush', this === inner]);
    },
    async shutdown() {
      calls.push(['shutdown', this === inner]);
    },
  };
  const processor = new HttpTraceSpanProcessor(inner);
  const span = tracer.startSpan('any');
  processor.onStart(span, ROOT_CONTEXT);
  processor.onEnding(span);
  processor.onEnd(span);
  await processor.forceFlush();
  await processor.shutdown();
  assert.deepEqual(calls, [
    ['onStart', true, span, ROOT_CONTEXT],
    ['onEnding', true, span],
    ['onEnd', true, span],
    ['forceFlush', true],
    ['shutdown', true],
  ]);
});

test('HttpTraceSpanProcessor works alone', async () => {
  const processor = new HttpTraceSpanProcessor();
  processor.onStart(tracer.startSpan('any'), ROOT_CONTEXT);
  processor.onEnding(tracer.startSpan('any'));
  processor.onEnd(tracer.startSpan('any'));
  await Promise.all([processor.forceFlush(), processor.shutdown()]);
});

test('HttpTraceSpanProcessor finds the client span that instrumentation-undici begins, and no other', () => {
  const processor = new HttpTraceSpanProcessor();
  const undici = provider.getTracer('@opentelemetry/instrumentation-undici');
  const begin = (from: typeof tracer, kind: SpanKind) => {
    const span = from.startSpan('GET', { kind });
    processor.onStart(span, context.active());
    return span;
  };
  const foundIn = (run: () => void) => {
    const outer = lookOut();
    run();
    return requestSpanOf(ROOT_CONTEXT, endLookout(outer), Date.now())?.span;
  };
  begin(undici, SpanKind.CLIENT);
  assert.equal(
    foundIn(() => {
      begin(tracer, SpanKind.CLIENT);
      begin(undici, SpanKind.INTERNAL);
    }),
    undefined,
  );
  const own: unknown[] = [];
  let inner: unknown;
  const found = foundIn(() => {
    own.push(begin(undici, SpanKind.CLIENT));
    // A hook of that instrumentation makes a request itself.
    inner = foundIn(() => own.push(begin(undici, SpanKind.CLIENT)));
    begin(undici, SpanKind.CLIENT);
  });
  assert.deepEqual([found === own[0], inner === own[1]], [true, true]);
});

test('a traceparent tells the ids of a span; that of the active span, and no other text, does not', () => {
  const active = tracer.startSpan('active');
  const ctx = trace.setSpan(ROOT_CONTEXT, active);
  const found = (traceparent: string, tracestate?: string) =>
    requestSpanOf(ctx, undefined, Date.now(), traceparent, tracestate)?.spanContext;
  const ids = found(`00-${IDS.traceId}-${IDS.spanId}-01`, 'vendor=1');
  assert.deepEqual({ ...ids, traceState: ids?.traceState?.serialize() }, { ...IDS, traceState: 'vendor=1' });
  assert.equal(found(`00-${IDS.traceId}-${IDS.spanId}-00`)?.traceFlags, TraceFlags.NONE);
  assert.equal(found(`00-${IDS.traceId}-${active.spanContext().spanId}-01`), undefined);
  assert.equal(found('00-nonsense-01'), undefined);
});
