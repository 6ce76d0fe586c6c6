import { setTimeout as pause } from 'node:timers/promises';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { LANES, type Lane } from './lanes';
import { openServers, type Servers } from './servers';

/** What became of a lane. */
export interface Driven {
  readonly title: string;
  readonly rounds: number;
  /** Why it ended early. */
  readonly error: unknown;
}

/** Drives every lane, each at its own pace: at least one round, and until the time is up or the signal comes. */
export async function drive(seconds: number, signal: AbortSignal): Promise<Driven[]> {
  const servers = await openServers();
  const end = performance.now() + seconds * 1000;
  try {
    return await Promise.all(LANES.map((lane) => follow(lane, servers, end, signal)));
  } finally {
    await servers.close();
  }
}

async function follow(lane: Lane, servers: Servers, end: number, signal: AbortSignal): Promise<Driven> {
  const { title } = lane;
  let rounds = 0;
  try {
    do {
      await round(lane, servers, signal);
      rounds++;
    } while (performance.now() < end && !signal.aborted);
  } catch (error) {
    // A pause that was cut short is how a lane ends that was told to.
    if (!signal.aborted) return { title, rounds, error };
  }
  return { title, rounds, error: undefined };
}

/** One round, under a span of its own: that is what a viewer lists. */
function round(lane: Lane, servers: Servers, signal: AbortSignal): Promise<void> {
  // With its start given, the SDK takes the end of a span from the wall clock, too. Otherwise the end is as early as the machine was late
  // to begin the span, and the last request would seem to outlive its round.
  const options = { startTime: Date.now() };
  return trace.getTracer('httptrace-traffic').startActiveSpan(lane.title, options, async (span) => {
    try {
      await lane.round(servers, signal);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      // The wall clock has whole milliseconds: at once, this one would seem to end before its last request.
      await pause(5);
      span.end();
    }
  });
}
