import type { ClientTrace } from './clienttrace';
import { compose } from './compose';

/** Where a connection leads: the first hop of the requests that it carries. */
export interface Server {
  /** In ASCII, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The hooks of a dial. */
export type DialTrace = Pick<
  ClientTrace,
  'dnsStart' | 'dnsDone' | 'connectStart' | 'connectDone' | 'tlsHandshakeStart' | 'tlsHandshakeDone'
>;

/** Whoever measures: told of every connection, and of every request that waited for one, traced or not. Times are milliseconds. */
export interface Measurer {
  /** From now on it is told. What is open is for it to ask when it needs to know: `Connection.allOpen()`. */
  begin(): void;
  end(): void;
  /** A connection is going to be made. Its hooks are called whether or not the request that needs it lives to see the end. */
  dial(server: Server): DialTrace;
  /** A request has left the queue in which it waited for a connection. */
  leftQueue(server: Server, waited: number): void;
  /** A connection is closed that had been open for so long. */
  closed(server: Server, lifetime: number): void;
}

/** An enabled instrumentation, which has a measurer as soon as there is a MeterProvider: maybe later. */
export type MeasurerSource = () => Measurer | undefined;

const sources = new Map<MeasurerSource, Measurer | undefined>();
const watches = new Map<() => () => void, (() => void) | undefined>();
let measurers: readonly Measurer[] = [];
/** Sources that have no measurer yet. */
let missing: readonly MeasurerSource[] = [];

/** Adds a source; the returned function removes it. Two sources with one measurer count once. */
export function addMeasurerSource(source: MeasurerSource): () => void {
  sources.set(source, source());
  update();
  return () => {
    sources.delete(source);
    update();
  };
}

/** Whether anybody measures. */
export function isMeasuring(): boolean {
  return measurers.length > 0;
}

/** The same, for whoever is about to make a connection: now and then somebody has begun to measure unnoticed, for no one tells of a MeterProvider. */
export function willMeasure(): boolean {
  if (missing.length > 0) lookAgain();
  return measurers.length > 0;
}

function lookAgain(): void {
  let isFound = false;
  for (let i = 0; i < missing.length; i++) {
    const source = missing[i];
    const measurer = source?.();
    if (source === undefined || measurer === undefined) continue;
    sources.set(source, measurer);
    isFound = true;
  }
  if (isFound) update();
}

/** Runs `start` when somebody begins to measure, and what it returned when nobody does any more; the returned function ends both. */
export function whileMeasuring(start: () => () => void): () => void {
  watches.set(start, isMeasuring() ? start() : undefined);
  return () => {
    watches.get(start)?.();
    watches.delete(start);
  };
}

/** One trace for all who measure a dial. */
export function dialTrace(server: Server): DialTrace | undefined {
  let trace = measurers[0]?.dial(server);
  for (let i = 1; i < measurers.length; i++) {
    const next = measurers[i]?.dial(server);
    trace = trace && next ? compose(trace, next) : (trace ?? next);
  }
  return trace;
}

export function leftQueue(server: Server, waited: number): void {
  for (let i = 0; i < measurers.length; i++) measurers[i]?.leftQueue(server, waited);
}

export function closed(server: Server, lifetime: number): void {
  for (let i = 0; i < measurers.length; i++) measurers[i]?.closed(server, lifetime);
}

function update(): void {
  const before = measurers;
  const found = [...sources.values()].filter((measurer) => measurer !== undefined);
  missing = [...sources.keys()].filter((source) => sources.get(source) === undefined);
  measurers = [...new Set(found)];
  for (const measurer of before) if (!measurers.includes(measurer)) measurer.end();
  for (const measurer of measurers) if (!before.includes(measurer)) measurer.begin();
  for (const [start, stop] of watches)
    if (isMeasuring() && stop === undefined) watches.set(start, start());
    else if (!isMeasuring()) {
      stop?.();
      watches.set(start, undefined);
    }
}
