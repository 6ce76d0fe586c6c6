import type { Attributes } from '@opentelemetry/api';
import type { SpanName } from '../names';
import type { Exchange } from '../tracing';

/** Something that happened at one moment. */
export interface Mark {
  readonly name: string;
  readonly time: number;
  readonly attributes: Attributes;
}

/** A start hook and its done hook as one named thing. Times are milliseconds on the clock of `performance.now()`. */
export interface Phase {
  readonly name: SpanName;
  start: number;
  end: number;
  attributes: Attributes;
  /** What ended it before its time. */
  error?: Error;
  /** It ended with an error, but what it was for succeeded (the next address answered): not a failure. */
  recovered?: boolean;
  readonly marks: Mark[];
  children: Phase[];
}

/** Where phases are written to. */
export interface PhaseWriter {
  /** When the request's span began, on the clock of `performance.now()`. */
  readonly began: number;
  /** The request has its connection. `facts` belong on the request's span. */
  connected(exchange: Exchange, facts: Attributes): void;
  /** A phase is over, with the phases inside it. `http.getconn` comes before what follows it. */
  phase(phase: Phase): void;
  /** Something happened, during `phase` if that is known. */
  mark(mark: Mark, phase: Phase | undefined): void;
  /** Nothing more will come. */
  done(err?: Error): void;
}

/**
 * Has `http.getconn` begin with the dial, which is older when an http2 session was opened before the request was made. What was over when the request's
 * span began was not done for it, and is left out.
 */
export function beginWithDial(getConn: Phase, writer: PhaseWriter): void {
  const [first] = getConn.children;
  if (first === undefined || first.start >= getConn.start) return;
  const { began } = writer;
  getConn.children = getConn.children.filter(({ end }) => end > began);
  for (const child of getConn.children) child.start = Math.max(child.start, began);
  getConn.start = getConn.children[0]?.start ?? getConn.start;
}
