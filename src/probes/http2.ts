import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Context } from '@opentelemetry/api';
import { context } from '../api';
import { at, now } from '../clock';
import { spanNamedBy } from '../traceparent';
import { isWanted, mayBeWanted, type RequestSpan } from '../tracing';
import { Session, sessionPrototype } from './http2session';
import { Exchanges } from './http2stream';
import { failed, guarded, type Layer, type Method, patch, undoAll } from './patch';
import { RoundTrip } from './roundtrip';

/** Watches the client sessions of `http2`: a session is a connection, each of its streams a request. */
export function http2Probe(): () => void {
  const exchanges = new Exchanges();
  Exchanges.current = exchanges;
  const undo: ((() => void) | undefined)[] = [];
  guarded(function http2Sessions() {
    const prototype = sessionPrototype();
    undo.push(patch(prototype, 'emit', emit), patch(prototype, 'request', request));
  }).call(undefined);
  return () => {
    undoAll(undo);
    exchanges.stop();
    Exchanges.current = undefined;
  };
}

/** How a request is made that may be followed. */
interface Asked {
  readonly time: number;
  readonly ctx: Context;
}

type Options = { readonly signal?: AbortSignal } | undefined;

const meet = guarded(function http2Session(this: ClientHttp2Session) {
  if (Exchanges.current !== undefined) Session.of(this, Exchanges.current);
});

function emit(original: Method, layer: Layer): Method {
  return function emit(this: ClientHttp2Session, event: string) {
    // Emitted by the constructor, once it has the socket, and before anybody else has the session.
    if (event === 'newListener' && layer.active) meet.call(this);
    return original.apply(this, arguments as unknown as unknown[]);
  };
}

function request(original: Method, layer: Layer): Method {
  return function request(this: ClientHttp2Session, headers: unknown, options: Options) {
    if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
    let session: Session | undefined;
    let asked: Asked | undefined;
    try {
      session = Exchanges.current && Session.of(this, Exchanges.current);
      asked = ask();
    } catch (error) {
      failed(ask, error);
    }
    // undici's own probe knows more of them.
    if (session === undefined || session.isUndicis)
      return original.apply(this, arguments as unknown as unknown[]);
    let stream: ClientHttp2Stream;
    try {
      stream =
        arguments.length === 1
          ? original.call(this, headers)
          : original.apply(this, arguments as unknown as unknown[]);
    } catch (error) {
      // Before version 24 a session that is over throws. A request that is wrong in itself never wanted a connection.
      if (this.closed || this.destroyed) refuse(session, asked, error as Error);
      throw error;
    }
    try {
      began(stream, session, asked, options);
    } catch (error) {
      failed(began, error);
    }
    return stream;
  };
}

const refuse = guarded((session: Session, asked: Asked | undefined, error: Error) =>
  beginRoundTrip({}, session, asked)?.done(error),
);

/** Only now there is a stream to follow. The session may have sent it already. */
function began(
  stream: ClientHttp2Stream,
  session: Session,
  asked: Asked | undefined,
  options: Options,
): void {
  Exchanges.current?.watch(stream);
  if (session.isOfUndici6) session.adopt(stream);
  // Aborted before it was made: as in Go it never wanted a connection.
  else if (!(options?.signal?.aborted && stream.destroyed))
    beginRoundTrip(stream, session, asked, stream.sentHeaders);
  Exchanges.current?.begin(stream, session);
}

/** How a request is made that may be followed; undefined if it will not be. */
function ask(): Asked | undefined {
  const ctx = context.active();
  return mayBeWanted(ctx) ? { time: now(), ctx } : undefined;
}

/** Begins a round trip, if somebody wants to follow it. */
function beginRoundTrip(
  key: object,
  session: Session,
  asked: Asked | undefined,
  headers: OutgoingHttpHeaders = {},
): RoundTrip | undefined {
  const roundTrip = asked && beginWanted(key, session, asked, headers);
  session.giveDials(roundTrip);
  return roundTrip;
}

function beginWanted(
  key: object,
  session: Session,
  { ctx, time }: Asked,
  headers: OutgoingHttpHeaders,
): RoundTrip | undefined {
  const span = queuedSpan(ctx, time, headers);
  if (!isWanted(ctx, span)) return undefined;
  return at(time, () => RoundTrip.begin(key, ctx, 'http2', session.target(headers[':authority']), span));
}

/**
 * gRPC queues the calls that are made while it connects, and sends them all in the context of the first one. What its instrumentation has put into the
 * metadata of each knows better.
 */
function queuedSpan(ctx: Context, time: number, headers: OutgoingHttpHeaders): RequestSpan | undefined {
  const { traceparent, tracestate, 'content-type': type } = headers;
  if (typeof traceparent !== 'string' || !String(type).startsWith('application/grpc')) return undefined;
  return at(time, () =>
    spanNamedBy(ctx, traceparent, typeof tracestate === 'string' ? tracestate : undefined),
  );
}
