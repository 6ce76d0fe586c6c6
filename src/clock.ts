/**
 * The time of what is being reported.
 *
 * Usually that is now. Some things are known only afterwards (which address ended a burst of answers, whose a dial was): they
 * are reported with {@link at}, so that whoever asks for the time in a hook gets the time at which it happened.
 */
let reported: number | undefined;

// Not the global `performance`, which is a getter: it would be asked each time. And not a bound function, which V8 calls through one of its own.
const clock = performance;
const { now: elapsed } = clock;

/**
 * The present time, whatever is being reported: milliseconds on the clock of `performance.now()`.
 *
 * Taken at once: an application that fakes the clock in its tests does not stop ours.
 */
export function present(): number {
  return elapsed.call(clock);
}

/** The time of what is being reported, on the same clock. */
export function now(): number {
  return reported ?? present();
}

/**
 * What two looks at the clocks tell of a span that began between them.
 *
 * The JavaScript SDK gives a span the `Date.now()` of its start, in whole milliseconds, and has it go on monotonically.
 */
export interface Begun {
  /** `Date.now()` before and after. Usually they are the same, and that is what the span's clock began with. */
  readonly earliest: number;
  readonly latest: number;
  /** {@link now} after. */
  readonly by: number;
}

/** Runs `report` with {@link now} standing at `time`. */
export function at<T>(time: number, report: () => T): T {
  const outer = reported;
  reported = time;
  try {
    return report();
  } finally {
    reported = outer;
  }
}
