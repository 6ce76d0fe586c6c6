/**
 * The time of what is being reported.
 *
 * Usually that is now. Some things are known only afterwards (which address ended a burst of answers, whose a dial was): they
 * are reported with {@link at}, so that whoever asks for the time in a hook gets the time at which it happened.
 */
let reported: number | undefined;

/** Milliseconds on the clock of `performance.now()`. */
export function now(): number {
  return reported ?? performance.now();
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
