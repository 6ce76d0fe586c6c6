import type { IncomingHttpHeaders } from 'node:http';
import type { ClientHttp2Stream } from 'node:http2';
import { Returned } from '../stamp';
import { headerFields, waits100Continue } from './http2head';
import type { Session } from './http2session';
import { failed, type Layer, type Method, patch } from './patch';
import { RoundTrip } from './roundtrip';

/** What is remembered of a stream, traced or not. */
interface Exchange {
  readonly session: Session;
  /** Whether a body follows the header: the stream was not ended with it. */
  readonly hasBody: boolean;
  isOpen: boolean;
  /** A final response has come, not only an informational one. */
  hasResponse: boolean;
  /** Who watches it. */
  readonly watch: Exchanges;
}

/** Where it is remembered: in a private field of the stream. A stamp, written out, because every event asks. */
class OfStream extends Returned {
  #exchange: Exchange;

  private constructor(stream: object, exchange: Exchange) {
    super(stream);
    this.#exchange = exchange;
  }

  static get(stream: ClientHttp2Stream | OfStream): Exchange | undefined {
    return #exchange in stream ? stream.#exchange : undefined;
  }

  static set(stream: ClientHttp2Stream | OfStream, exchange: Exchange): void {
    try {
      // Not asked first whether it has one: V8 is slow to find nothing.
      new OfStream(stream, exchange);
    } catch {
      (stream as OfStream).#exchange = exchange;
    }
  }
}

/** The streams of client sessions, seen in what they emit: a listener of ours could keep an error from being unhandled. */
export class Exchanges {
  /** Those of the probe that watches now. Not passed to patches: buried under somebody else's, they outlive the probe that has made them. */
  static current: Exchanges | undefined;

  #isWatching = false;
  #undo: (() => void) | undefined;

  /** Watches all streams from the first on, through whose prototype: `node:http2` exports none. */
  watch(stream: ClientHttp2Stream): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#undo = patch(Object.getPrototypeOf(stream), 'emit', emit);
  }

  stop(): void {
    this.#undo?.();
  }

  /** Remembers a stream that `request` has just made. */
  begin(stream: ClientHttp2Stream, session: Session): void {
    const hasBody = !stream.writableEnded;
    const exchange = { session, hasBody, isOpen: false, hasResponse: false, watch: this };
    OfStream.set(stream, exchange);
    if (!stream.pending) opened(stream, exchange, RoundTrip.of(stream));
  }
}

function emit(original: Method, layer: Layer): Method {
  return function emit(this: ClientHttp2Stream, event: string, value: unknown, other: unknown) {
    const exchange = isTelling(event) && layer.active ? OfStream.get(this) : undefined;
    const isWatched = exchange !== undefined && exchange.watch === Exchanges.current;
    // Node itself waits for 'ready', and fails if a hook has destroyed the session by then (22 to 26).
    if (isWatched && event !== 'ready') observe(this, exchange, event, value);
    try {
      // `apply` makes an array of them, of every event of every stream.
      switch (arguments.length) {
        case 1:
          return original.call(this, event);
        case 2:
          return original.call(this, event, value);
        case 3:
          return original.call(this, event, value, other);
      }
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      if (isWatched && event === 'ready') observe(this, exchange, event, value);
    }
  };
}

/** Whether something is to be learnt from an event. */
function isTelling(event: string): boolean {
  switch (event) {
    case 'ready':
    case 'headers':
    case 'response':
    case 'finish':
    case 'end':
    case 'error':
    case 'close':
      return true;
    default:
      return false;
  }
}

function observe(stream: ClientHttp2Stream, exchange: Exchange, event: string, value: unknown): void {
  try {
    streamEvent(stream, exchange, event, value);
  } catch (error) {
    failed(streamEvent, error);
  }
}

function streamEvent(stream: ClientHttp2Stream, exchange: Exchange, event: string, value: unknown): void {
  const roundTrip = RoundTrip.of(stream);
  switch (event) {
    case 'ready':
      return opened(stream, exchange, roundTrip);
    case 'headers':
      return gotInformation(stream, roundTrip, value as IncomingHttpHeaders);
    case 'response':
      exchange.hasResponse = true;
      return roundTrip?.gotFirstResponseByte();
    case 'finish':
      // A stream that is given up is ended by Node, and finishes without having written anything.
      if (!stream.aborted && !stream.destroyed) roundTrip?.wroteRequest();
      return;
    case 'end':
      return ended(stream, exchange, roundTrip);
    case 'error':
      return roundTrip?.done(value as Error);
    case 'close':
      return closed(stream, exchange, roundTrip);
  }
}

/** The stream has its number, and its header is handed to the session, which may be told by its peer to let it wait. */
function opened(stream: ClientHttp2Stream, exchange: Exchange, roundTrip: RoundTrip | undefined): void {
  exchange.isOpen = true;
  exchange.session.open(roundTrip);
  roundTrip?.wroteHeaders(exchange.hasBody, waits100Continue(stream), stream, headerFields);
}

function gotInformation(
  stream: ClientHttp2Stream,
  roundTrip: RoundTrip | undefined,
  received: IncomingHttpHeaders,
): void {
  if (roundTrip === undefined) return;
  const { ':status': status, ...headers } = received;
  roundTrip.gotFirstResponseByte();
  const result = roundTrip.trace?.got1xxResponse?.(Number(status), headers);
  // In this order, as in Go, whose HTTP/1 has it the other way round.
  if (Number(status) === 100) roundTrip.got100Continue();
  if (result instanceof Error) stream.destroy(result);
}

/** Node ends the body of a stream that was cancelled or cut off, too. */
function ended(stream: ClientHttp2Stream, exchange: Exchange, roundTrip: RoundTrip | undefined): void {
  if (!exchange.hasResponse || stream.rstCode !== 0) return;
  roundTrip?.bodyEnd();
  if (!stream.writableFinished) return;
  release(exchange);
  if (roundTrip?.hasWrittenRequest) roundTrip.done();
}

function closed(stream: ClientHttp2Stream, exchange: Exchange, roundTrip: RoundTrip | undefined): void {
  release(exchange);
  if (roundTrip === undefined) return;
  if (!exchange.hasResponse || stream.rstCode !== 0) return roundTrip.done(cancelled(stream));
  roundTrip.bodyEnd();
  roundTrip.done();
}

function release(exchange: Exchange): void {
  if (!exchange.isOpen) return;
  exchange.isOpen = false;
  exchange.session.release();
}

/** Node has an error for every way to lose a stream but this one, which it leaves to the event `'close'`. */
function cancelled({ rstCode }: ClientHttp2Stream): Error {
  const message = rstCode === 0 ? 'The stream was closed before its response' : 'The stream was cancelled';
  return Object.assign(new Error(message), { code: 'ERR_HTTP2_STREAM_CANCEL' });
}
