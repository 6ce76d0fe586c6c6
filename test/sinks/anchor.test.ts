import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '@opentelemetry/api';
import { now } from '../../src/clock';
import { anchor } from '../../src/sinks/anchor';
import { exporter, nanos, registerSdk } from '../support/otel';

const tracer = registerSdk().getTracer('test');

/** Runs it on a machine so busy that reading the wall clock takes five milliseconds. */
function heldUp<T>(run: () => T): T {
  const { now: real } = Date;
  Date.now = () => {
    const time = real();
    wait(5);
    return time;
  };
  try {
    return run();
  } finally {
    Date.now = real;
  }
}

function wait(milliseconds: number): void {
  const from = now();
  while (now() - from < milliseconds);
}

/** Ends it; returns where its end would have been placed, right before and right after, and where the SDK has placed it. */
function endOf(span: Span, place: ReturnType<typeof anchor>): { before: bigint; at: bigint; after: bigint } {
  exporter.reset();
  const before = nanos(place.at(now()));
  span.end();
  const after = nanos(place.at(now()));
  const [ended] = exporter.getFinishedSpans();
  assert.ok(ended);
  return { before, at: nanos(ended.endTime), after };
}

test('a child is on the clock of its parent, however long it took to begin it', () => {
  for (const begin of [() => tracer.startSpan('parent'), () => heldUp(() => tracer.startSpan('parent'))]) {
    const span = begin();
    wait(3);
    const place = heldUp(() => anchor(span));
    wait(3);
    const { before, at, after } = endOf(span, place);
    // To a microsecond: the SDK rounds otherwise.
    assert.ok(before <= at + 1_000n && at <= after + 1_000n, `${before} ${at} ${after}`);
  }
});

test('a child of a span that does not tell its clock neither begins before it nor ends after it', () => {
  for (const age of [0, 0.5, 7.3]) {
    const span = tracer.startSpan('parent');
    const { startTime } = span as Span & { startTime: [number, number] };
    wait(age);
    const from = now();
    const place = heldUp(() => anchor({ startTime } as unknown as Span));
    assert.ok(nanos(place.at(from)) >= nanos(startTime));
    const { before, at } = endOf(span, place);
    assert.ok(before <= at, `${before} ${at}`);
  }
});

test('a child of a span whose start was given does not end after it', () => {
  const span = tracer.startSpan('parent', { startTime: Date.now() });
  const place = heldUp(() => anchor(span));
  wait(3);
  const { before, at } = endOf(span, place);
  assert.ok(before <= at, `${before} ${at}`);
});

test('a span that tells nothing has its children on the wall clock', () => {
  const earliest = BigInt(Date.now()) * 1_000_000n;
  const place = anchor({} as Span);
  const time = nanos(place.at(now()));
  assert.ok(time >= earliest - 1_000_000n && time <= BigInt(Date.now() + 1) * 1_000_000n);
});
