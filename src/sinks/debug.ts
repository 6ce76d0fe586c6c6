import { debuglog } from 'node:util';
import { now } from '../clock';
import type { Exchange, Source } from '../tracing';
import { errorType } from './attributesof';
import type { Mark, Phase, PhaseWriter } from './phase';
import { PhaseTrace } from './phases';

const debug = debuglog('httptrace');
let lastRequest = 0;

/** Whether `NODE_DEBUG` lists `httptrace`. */
export function isDebugging(): boolean {
  return debug.enabled;
}

/** `NODE_DEBUG=httptrace`: every phase of every request a line on stderr, whether or not anything records it. */
export const debugSource: Source = {
  mayWant: true,
  wants: () => true,
  ignores: () => false,
  coalesceLookups: false,
  traceFor: (_ctx, exchange) => new PhaseTrace(exchange, new DebugWriter(exchange)),
};

/** A line a phase: `request 3 connection 2 http.dns 1.204 ms dns.question.name=localhost`. */
class DebugWriter implements PhaseWriter {
  readonly began = Number.NEGATIVE_INFINITY;
  readonly #request = ++lastRequest;
  readonly #start = now();

  constructor(readonly exchange: Exchange) {
    this.#line(`${exchange.protocol}//${exchange.hostPort}`);
  }

  connected(): void {}

  phase(phase: Phase): void {
    for (const child of phase.children ?? []) this.phase(child);
    const attributes = Object.entries(phase.attributes ?? {}).map(([key, value]) => `${key}=${value}`);
    if (phase.error !== undefined) attributes.push(`error.type=${errorType(phase.error)}`);
    this.#line([phase.name, milliseconds(phase.end - phase.start), ...attributes].join(' '));
  }

  mark(mark: Mark): void {
    this.#line(`${mark.name} at ${milliseconds(mark.time - this.#start)}`);
  }

  done(err?: Error): void {
    const outcome = err === undefined ? 'done' : `failed: ${errorType(err)} ${err.message}`;
    this.#line(`${outcome} after ${milliseconds(now() - this.#start)}`);
  }

  #line(text: string): void {
    debug('request %d connection %s %s', this.#request, this.exchange.connection?.id ?? '-', text);
  }
}

function milliseconds(duration: number): string {
  return `${duration.toFixed(3)} ms`;
}
