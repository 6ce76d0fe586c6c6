import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { GotConnInfo } from '../clienttrace';
import type { SpanName } from '../names';
import type { Exchange } from '../tracing';

/** Something that happened at one moment. */
export interface Mark {
  readonly name: string;
  readonly time: number;
  readonly attributes: Attributes | undefined;
}

/** A start hook and its done hook as one named thing. Times are milliseconds on the clock of `performance.now()`. What it does not have it does not carry. */
export class Phase {
  end = Number.NaN;
  attributes: Attributes | undefined;
  /** What ended it before its time. */
  error: Error | undefined;
  /** It ended with an error, but what it was for succeeded (the next address answered): not a failure. */
  recovered = false;
  marks: Mark[] | undefined;
  children: Phase[] | undefined;
  /** The one that was over after it, if whoever writes them keeps them. An array would grow to room for seventeen with the second. */
  next: Phase | undefined;

  constructor(
    readonly name: SpanName,
    public start: number,
  ) {}

  setAttribute(key: string, value: AttributeValue): void {
    this.attributes ??= {};
    this.attributes[key] = value;
  }

  addChild(phase: Phase): void {
    if (this.children === undefined) this.children = [phase];
    else this.children.push(phase);
  }

  addMark(mark: Mark): void {
    // An empty array grows to room for seventeen with its first element.
    if (this.marks === undefined) this.marks = [mark];
    else this.marks.push(mark);
  }
}

/** Told a header field and its values. */
export type HeaderRecorder = (key: string, values: readonly string[]) => void;

/** Where phases are written to. */
export interface PhaseWriter {
  /** When the request's span began, on the clock of `performance.now()`. */
  readonly began: number;
  /** Of a phase nothing is written but its times: its attributes need not be found out. */
  readonly onlyTimes?: boolean;
  /**
   * The request has its connection: what is known of it belongs on the request's span.
   * @param waited - milliseconds, if it waited for a connection without dialling
   */
  connected(exchange: Exchange, info: GotConnInfo, waited: number | undefined): void;
  /** A phase is over, with the phases inside it. `http.getconn` comes before what follows it. */
  phase(phase: Phase): void;
  /** Something happened, during `phase` if that is known. Absent where moments are not written. */
  mark?(mark: Mark, phase: Phase | undefined): void;
  /** Nothing more will come. */
  done(err?: Error): void;
}

/**
 * Has `http.getconn` begin with the dial, which is older when an http2 session was opened before the request was made. What was over when the request's
 * span began was not done for it, and is left out.
 */
export function beginWithDial(getConn: Phase, writer: PhaseWriter): void {
  const { children } = getConn;
  if (children?.[0] === undefined || children[0].start >= getConn.start) return;
  const { began } = writer;
  const own = children.filter(({ end }) => end > began);
  for (const child of own) child.start = Math.max(child.start, began);
  getConn.start = own[0]?.start ?? getConn.start;
  getConn.children = own;
}
