import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { createColors } from 'picocolors';
import { draw } from '../examples/waterfall/draw';
import { styleFor } from '../examples/waterfall/terminal';
import { duration } from '../examples/waterfall/text';
import { waterfalls } from './support/waterfalls';

const colors = createColors(false);
const START = 1_700_000_000_000;
const GET = { 'http.request.method': 'GET', 'url.full': 'http://localhost/' };

/** The spans of a request of 100 ms with the given phases, exported by a real SDK. Times are milliseconds since its start. */
function exported(
  phases: Record<string, [number, number]>,
  attributes = {},
  failed?: string,
): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('test');
  const request = tracer.startSpan(
    'GET',
    { startTime: START, attributes: { ...GET, ...attributes } },
    ROOT_CONTEXT,
  );
  const inside = trace.setSpan(ROOT_CONTEXT, request);
  for (const [name, [from, to]] of Object.entries(phases)) {
    const span = tracer.startSpan(name, { startTime: START + from }, inside);
    if (name === failed) {
      span.setAttribute('error.type', 'EVIL');
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'line\n\u{1b}[31mand line' });
    }
    span.end(START + to);
  }
  request.end(START + 100);
  return exporter.getFinishedSpans();
}

test('bars are at scale, begin where their phase begins, and are never invisible', () => {
  const spans = exported({
    'http.wait': [0, 50],
    'http.receive': [50, 100],
    'http.tls': [99.999, 100],
    'http.dns': [0, 0],
  });
  const [printed] = waterfalls(draw(spans, { width: 80, colors }).join('\n'));
  const rows = printed?.rows ?? [];
  const cells = Object.fromEntries(rows.map(({ name, from, to }) => [name.trim(), [from - 19, to - 19]]));
  assert.deepEqual(cells, {
    GET: [0, 50],
    'http.wait': [0, 25],
    'http.receive': [25, 50],
    'http.tls': [49, 50],
    'http.dns': [0, 1],
  });
});

test('no line exceeds the width, however long the URL and however narrow the terminal', () => {
  const attributes = {
    'url.full': `http://localhost/${'x'.repeat(500)}`,
    'http.response.status_code': 200,
    'http.conn.id': 1,
    'http.conn.idle_time': 12.5,
    'http.conn.request_count': 1234,
  };
  const spans = exported({ 'http.connect': [0, 10], 'http.wait': [10, 100] }, attributes, 'http.connect');
  for (const width of [1, 5, 20, 29, 30, 31, 40, 79, 80, 100, 120]) {
    const lengths = draw(spans, { width, colors }).map((line) => line.length);
    assert.ok(Math.max(...lengths) <= width, `${Math.max(...lengths)} columns in ${width}`);
  }
});

test('what a server says comes out as one line, without its escape codes', () => {
  const lines = draw(exported({ 'http.connect': [0, 10] }, {}, 'http.connect'), { width: 80, colors });
  assert.ok(lines.includes('  ✗ http.connect: EVIL line [31mand line'), lines.join('\n'));
});

test('an attempt that failed without harm is noted, and not drawn as a failure', () => {
  const spans = exported({ 'http.connect': [0, 10] });
  for (const span of spans) if (span.name === 'http.connect') span.attributes['error.type'] = 'ETIMEDOUT';
  const lines = draw(spans, { width: 80, colors });
  assert.ok(lines.includes('  ! http.connect: ETIMEDOUT, then another address answered'), lines.join('\n'));
  assert.ok(!lines.join().includes('✗'));
});

test('a request of which nothing was exported is no crash', () => {
  assert.equal(draw([], { width: 80, colors }).length, 1);
});

test('a terminal has colours and its own width up to 120 columns; a pipe has neither', () => {
  const style = (output: { isTTY?: boolean; columns?: number }, env = {}) => {
    const { width, colors } = styleFor(output, env);
    return [width, colors.isColorSupported];
  };
  assert.deepEqual(style({ isTTY: true, columns: 60 }), [60, true]);
  assert.deepEqual(style({ isTTY: true, columns: 300 }), [120, true]);
  assert.deepEqual(style({ isTTY: true, columns: 0 }), [80, true]);
  assert.deepEqual(style({ isTTY: true, columns: 80 }, { NO_COLOR: '1' }), [80, false]);
  assert.deepEqual(style({ isTTY: true, columns: 80 }, { NO_COLOR: '' }), [80, true]);
  assert.deepEqual(style({ isTTY: true, columns: 80 }, { TERM: 'dumb' }), [80, false]);
  assert.deepEqual(style({}, { CI: 'true' }), [80, false]);
  assert.deepEqual(style({}, { FORCE_COLOR: '1' }), [80, true]);
  assert.deepEqual(style({}, { FORCE_COLOR: '0' }), [80, false]);
});

test('durations have three digits and their unit', () => {
  const times = [0, 0.0004, 0.312, 0.9996, 1.239, 12.34, 312.4, 999.4, 999.6, 2051, 61_000];
  assert.deepEqual(times.map(duration), [
    '0 µs',
    '0 µs',
    '312 µs',
    '1.00 ms',
    '1.24 ms',
    '12.3 ms',
    '312 ms',
    '999 ms',
    '1.00 s',
    '2.05 s',
    '61.00 s',
  ]);
});
