import type { Recorder } from '../support/recorder';

/**
 * Without what is no agent's doing: `localhost` may be `::1` first, which refuses, and the kernel may accept the end of a request after the
 * answer to it has arrived.
 */
export function sequenceOf(recorder: Recorder): string {
  return recorder
    .sequence()
    .replaceAll('CS CD!ECONNREFUSED ', '')
    .replace(/FB WR(?!!)/, 'WR FB');
}
