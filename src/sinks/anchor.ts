import type { HrTime, Span } from '@opentelemetry/api';
import { type Begun, present } from '../clock';

/** The clock of a span: converts times on the clock of `performance.now()`, which are milliseconds. */
export class Anchor {
  /**
   * @param seconds - with `nanos`: what it showed
   * @param began - at this time, or shortly before
   * @param least - milliseconds: nothing is shown earlier than so long after that
   */
  constructor(
    private readonly seconds: number,
    private readonly nanos: number,
    private readonly began: number,
    private readonly least = Number.NEGATIVE_INFINITY,
  ) {}

  /** Of small integers only: of a number that once was a fraction V8 makes another kind of array, which the SDK's code converts, for each event at 700 instructions (Node 20). */
  at(time: number): HrTime {
    const total = this.nanos + Math.round(Math.max(time - this.began, this.least) * 1e6);
    if (total >= 0 && total < 1e9) return [this.seconds, total | 0];
    const carry = Math.floor(total / 1e9) | 0;
    return [this.seconds + carry, (total - carry * 1e9) | 0];
  }
}

/** What SDK spans (2.x, 3.x) keep of their clocks, as far as they do: all but the first are private. */
interface SdkSpan extends Span {
  readonly startTime?: unknown;
  readonly _performanceStartTime?: unknown;
  readonly _startTimeProvided?: unknown;
}

/**
 * Every span of the JavaScript SDK has a clock of its own: it starts at `Date.now()`, in whole milliseconds, and goes on monotonically. A
 * child that reads any other clock starts before its parent or ends after it in up to every second trace. So children are placed on their
 * parent's clock.
 */
export function anchor(parent: Span): Anchor {
  const { startTime } = parent as SdkSpan;
  const began = clockOf(parent);
  return began === undefined || !isHrTime(startTime)
    ? anchorByWall(startTime)
    : new Anchor(startTime[0], startTime[1], began);
}

/** When a span began, on the clock of `performance.now()`; now, if it does not tell. */
export function beganAt(span: Span): number {
  return clockOf(span) ?? present() - ageByWall((span as SdkSpan).startTime, Date.now());
}

function clockOf(span: Span): number | undefined {
  const { _performanceStartTime: began, _startTimeProvided: isGiven } = span as SdkSpan;
  return typeof began === 'number' && isGiven === false ? began : undefined;
}

/**
 * The same for a parent that does not tell its clock. How old it is can then only be told from `Date.now()`, to a millisecond: of the two possible ages the smaller is
 * taken, so that a child never ends after a parent that outlives it.
 */
function anchorByWall(startTime: unknown): Anchor {
  // In this order: if the process is held up between the two, children come out too early, and not too late.
  const wall = Date.now();
  const takenAt = present();
  // A span that does not even tell its start is on the wall clock, as well as it can be.
  const [seconds, nanos] = isHrTime(startTime) ? startTime : [Math.trunc(wall / 1000), (wall % 1000) * 1e6];
  return new Anchor(seconds, nanos, takenAt - ageByWall(startTime, wall), 0);
}

/** The smaller of the two ages in milliseconds. */
function ageByWall(startTime: unknown, wall: number): number {
  if (!isHrTime(startTime)) return 0;
  const [seconds, nanos] = startTime;
  return Math.max(0, wall - (seconds * 1000 + nanos / 1e6) - 1);
}

/**
 * The same for a parent of which only the ids are known, and between which two looks at the clocks it began.
 *
 * If a millisecond went by between the two, the parent's clock began with either. Then the earlier is taken, so that no child ends after it, and nothing is before the
 * later: what happened within the first millisecond is shown shorter than it was, rather than outside its parent.
 */
export function anchorWithin({ earliest, latest, by }: Begun): Anchor {
  return new Anchor(Math.floor(earliest / 1000), (earliest % 1000) * 1e6, by, latest - earliest);
}

function isHrTime(value: unknown): value is HrTime {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === 'number' && typeof value[1] === 'number'
  );
}
