import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** A span at its place in the picture. */
export interface Row {
  readonly span: ReadableSpan;
  readonly depth: number;
  readonly children: readonly Row[];
}

/** The time that a picture shows, in milliseconds. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** The spans of one trace as a tree: the span without a parent among them, and below it its children in the order of their starts. */
export function treeOf(spans: readonly ReadableSpan[]): Row | undefined {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const root = spans.find((span) => !ids.has(span.parentSpanContext?.spanId ?? ''));
  return root && rowOf(root, 0, spans);
}

function rowOf(span: ReadableSpan, depth: number, spans: readonly ReadableSpan[]): Row {
  const { spanId } = span.spanContext();
  const children = spans
    .filter((other) => other.parentSpanContext?.spanId === spanId)
    .sort((a, b) => periodOf(a).start - periodOf(b).start)
    .map((child) => rowOf(child, depth + 1, spans));
  return { span, depth, children };
}

/** A row and all below it, from top to bottom. */
export function flatten(row: Row): Row[] {
  return [row, ...row.children.flatMap(flatten)];
}

export function periodOf(span: ReadableSpan): Period {
  return { start: hrTimeToMilliseconds(span.startTime), end: hrTimeToMilliseconds(span.endTime) };
}

/** From the first start to the last end. */
export function wholePeriod(spans: readonly ReadableSpan[]): Period {
  const periods = spans.map(periodOf);
  return {
    start: Math.min(...periods.map(({ start }) => start)),
    end: Math.max(...periods.map(({ end }) => end)),
  };
}

/** The cells that a bar covers, of `width`: at least one, however short it was. */
export function cellsOf(period: Period, whole: Period, width: number): { from: number; to: number } {
  const scale = width / Math.max(whole.end - whole.start, Number.EPSILON);
  const from = Math.min(Math.floor((period.start - whole.start) * scale), width - 1);
  const to = Math.round((period.end - whole.start) * scale);
  return { from, to: Math.min(Math.max(to, from + 1), width) };
}
