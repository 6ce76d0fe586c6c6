import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { type Context, context } from '@opentelemetry/api';
import { at, now } from '../clock';
import { type Stamp, stamp } from '../stamp';
import { spanNamedBy } from '../traceparent';
import { isWanted, type RequestSpan } from '../tracing';
import { Session, sessionPrototype } from './http2session';
import { Exchanges } from './http2stream';
import { guarded, type Layer, type Method, patch } from './patch';
import { RoundTrip } from './roundtrip';

/** Watches the client sessions of `http2`: a session is a connection, each of its streams a request. */
export function http2Probe(): () => void {
  const probe = new Http2Probe();
  probe.start();
  return () => probe.stop();
}

/** How a request was made. */
interface Asked {
  readonly time: number;
  readonly ctx: Context;
  readonly options: { readonly signal?: AbortSignal } | undefined;
}

class Http2Probe {
  // Of one watch: what was remembered in an earlier one may have changed unseen.
  readonly #sessions: Stamp<ClientHttp2Session, Session> = stamp();
  readonly #exchanges = new Exchanges();
  readonly #undo: ((() => void) | undefined)[] = [];
  readonly #meet = guarded((session: ClientHttp2Session) => {
    if (this.#sessions.get(session) === undefined) this.#sessions.set(session, new Session(session));
  });
  readonly #begin = guarded((stream: ClientHttp2Stream, session: ClientHttp2Session, asked: Asked) =>
    this.#began(stream, session, asked),
  );
  readonly #refuse = guarded((session: ClientHttp2Session, asked: Asked, error: Error) =>
    this.#beginRoundTrip({}, this.#sessions.get(session), asked)?.done(error),
  );

  start(): void {
    guarded(function http2Sessions(this: Http2Probe) {
      const prototype = sessionPrototype();
      this.#undo.push(
        patch(prototype, 'emit', (original, layer) => this.#emit(original, layer)),
        patch(prototype, 'request', (original, layer) => this.#request(original, layer)),
      );
    }).call(this);
  }

  stop(): void {
    for (const each of this.#undo) each?.();
    this.#exchanges.stop();
  }

  #emit(original: Method, layer: Layer): Method {
    const meet = this.#meet;
    return function emit(this: ClientHttp2Session, event: string) {
      // Emitted by the constructor, once it has the socket, and before anybody else has the session.
      if (event === 'newListener' && layer.active) meet(this);
      return original.apply(this, arguments as unknown as unknown[]);
    };
  }

  #request(original: Method, layer: Layer): Method {
    const [meet, begin, refuse, sessions] = [this.#meet, this.#begin, this.#refuse, this.#sessions];
    return function request(this: ClientHttp2Session, _headers: unknown, options: Asked['options']) {
      if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
      const asked: Asked = { time: now(), ctx: context.active(), options };
      meet(this);
      // undici's own probe knows more of them.
      if (sessions.get(this)?.isUndicis) return original.apply(this, arguments as unknown as unknown[]);
      let stream: ClientHttp2Stream;
      try {
        stream = original.apply(this, arguments as unknown as unknown[]);
      } catch (error) {
        // Before version 24 a session that is over throws. A request that is wrong in itself never wanted a connection.
        if (this.closed || this.destroyed) refuse(this, asked, error as Error);
        throw error;
      }
      begin(stream, this, asked);
      return stream;
    };
  }

  /** Only now there is a stream to follow. The session may have sent it already. */
  #began(stream: ClientHttp2Stream, of: ClientHttp2Session, asked: Asked): void {
    const session = this.#sessions.get(of);
    if (session === undefined) return;
    this.#exchanges.watch(stream);
    // Aborted before it was made: as in Go it never wanted a connection.
    const aborted = asked.options?.signal?.aborted && stream.destroyed;
    if (session.isOfUndici6) session.adopt(stream);
    else if (!aborted) this.#beginRoundTrip(stream, session, asked, stream.sentHeaders);
    this.#exchanges.begin(stream, session);
  }

  #beginRoundTrip(
    key: object,
    session: Session | undefined,
    { ctx, time }: Asked,
    headers: OutgoingHttpHeaders = {},
  ): RoundTrip | undefined {
    if (session === undefined) return undefined;
    const span = at(time, () => queuedSpan(ctx, headers));
    const roundTrip = isWanted(ctx, span)
      ? at(time, () => RoundTrip.begin(key, ctx, 'http2', session.target(headers[':authority']), span))
      : undefined;
    session.giveDials(roundTrip);
    return roundTrip;
  }
}

/**
 * gRPC queues the calls that are made while it connects, and sends them all in the context of the first one. What its instrumentation has put into the
 * metadata of each knows better.
 */
function queuedSpan(ctx: Context, headers: OutgoingHttpHeaders): RequestSpan | undefined {
  const { traceparent, tracestate, 'content-type': type } = headers;
  if (typeof traceparent !== 'string' || !String(type).startsWith('application/grpc')) return undefined;
  return spanNamedBy(ctx, traceparent, typeof tracestate === 'string' ? tracestate : undefined);
}
