import type { HrTime, Span } from '@opentelemetry/api';
import type { Begun } from '../clock';

/** Converts a time on the clock of `performance.now()` to the parent span's clock. */
export type Anchor = (time: number) => HrTime;

/**
 * Every span of the JavaScript SDK has a clock of its own: it starts at `Date.now()`, in whole milliseconds, and goes on monotonically. A
 * child that reads any other clock starts before its parent or ends after it in up to every second trace. So children are placed on their
 * parent's clock.
 *
 * How old the parent is can only be told from `Date.now()`, to a millisecond: of the two possible ages the smaller is taken, so that a child never ends after
 * a parent that outlives it. For the span of the request itself, which has just begun, that is exact to the microseconds between them.
 *
 * @param takenAt - now, on the clock of `performance.now()`
 */
export function anchor(parent: Span, takenAt: number): Anchor {
  const { seconds, nanos, age } = look(parent);
  return (time) => later(seconds, nanos, age + time - takenAt);
}

/** When a span began, on the clock of `performance.now()`: as well as that can be told, and rather too late than too early. */
export function beganAt(span: Span): number {
  return performance.now() - look(span).age;
}

function look(span: Span): { seconds: number; nanos: number; age: number } {
  const wall = Date.now();
  const start = (span as Span & { startTime?: unknown }).startTime;
  // A span that does not tell its start (an APM's own implementation) is on the wall clock, as well as it can be.
  const [seconds, nanos]: HrTime = isHrTime(start) ? start : [Math.trunc(wall / 1000), (wall % 1000) * 1e6];
  return { seconds, nanos, age: Math.max(0, wall - (seconds * 1000 + nanos / 1e6) - 1) };
}

/**
 * The same for a parent of which only the ids are known, and between which two looks at the clocks it began.
 *
 * If a millisecond went by between the two, the parent's clock began with either. Then the earlier is taken, so that no child ends after it, and nothing is before the
 * later: what happened within the first millisecond is shown shorter than it was, rather than outside its parent.
 */
export function anchorWithin({ earliest, latest, by }: Begun): Anchor {
  return (time) => {
    const sinceEarliest = Math.max(time - by, latest - earliest);
    return later(Math.floor(earliest / 1000), (earliest % 1000) * 1e6, sinceEarliest);
  };
}

function later(seconds: number, nanos: number, milliseconds: number): HrTime {
  const total = nanos + Math.round(milliseconds * 1e6);
  const carry = Math.floor(total / 1e9);
  return [seconds + carry, total - carry * 1e9];
}

function isHrTime(value: unknown): value is HrTime {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number');
}
