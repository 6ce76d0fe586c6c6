/**
 * The time of what is being reported.
 *
 * Usually that is now. Some things are known only afterwards (which address ended a burst of answers, whose a dial was): they
 * are reported with {@link at}, so that whoever asks for the time in a hook gets the time at which it happened.
 */
let reported: number | undefined;

// Taken at once: an application that fakes the clock in its tests does not stop ours.
const monotonic = performance.now.bind(performance);

/** Milliseconds on the clock of `performance.now()`. */
export function now(): number {
  return reported ?? monotonic();
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
