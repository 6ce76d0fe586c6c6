import {
  type Context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { context, TraceFlags } from './api';
import { Both, type SinkTrace } from './both';
import type { Begun } from './clock';
import { isInHook } from './compose';
import type { Connection } from './connection';
import { contextClientTrace, isAnyAttached } from './context';

export { bodyEnd, type SinkTrace } from './both';

/** The client whose request is traced: Node's `http`/`https`, `http2` sessions, or undici with `fetch`. */
export type Transport = 'http' | 'http2' | 'undici';

/** A request that is about to be traced, as `ignoreRequest` and `clientTrace` see it. */
export interface RequestInfo {
  /** The first hop, as {@link ClientTrace.getConn} reports it: `'example.com:443'`. */
  readonly hostPort: string;
  readonly protocol: 'http:' | 'https:';
  readonly transport: Transport;
}

/**
 * The span of a request whose client does not make it active, or not before the request has begun.
 *
 * Asked when something is written, at the latest when the request is over: what is not known yet may be known then.
 */
export interface RequestSpan {
  /** The span, to which attributes and events can be written; undefined when only its ids can be known. */
  readonly span: Span | undefined;
  /** Its ids, and whether it is sampled; undefined as long as they are not known. */
  readonly spanContext: SpanContext | undefined;
  /** When it began, for the times of its children; told only where the span itself is not known. */
  readonly begun: Begun;
}

/** Whether a span known by its ids is recorded, as well as they can tell. */
export function isSampled(spanContext: SpanContext): boolean {
  return (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0 && isSpanContextValid(spanContext);
}

/** A request while it runs: what our own sinks may read when one of their hooks is called. */
export interface Exchange extends RequestInfo {
  /** When it asked for a connection, on the clock of `performance.now()`. */
  readonly begunAt: number;
  /** Undefined when the request's span is the one that was active when it began: the usual case. */
  readonly requestSpan: RequestSpan | undefined;
  /** The context in which a span for it, if somebody makes one, is yet to be begun; undefined when that is settled. */
  readonly unnamedIn: Context | undefined;
  /** The host of the first hop, in ASCII, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined before `gotConn`. */
  readonly connection: Connection | undefined;
  /** Whether the request has a body; known from `wroteHeaders` on. */
  readonly hasBody: boolean;
}

/** Stands for any span that is not sampled, where nothing else of it matters. */
export const NOT_SAMPLED: RequestSpan = {
  span: undefined,
  spanContext: INVALID_SPAN_CONTEXT,
  begun: { earliest: 0, latest: 0, by: 0 },
};

/** Whoever wants to follow requests: an enabled instrumentation, or the debug log. */
export interface Source {
  /** Whether it might want a request, depending on its span; if not, it wants none. */
  readonly mayWant: boolean;
  /** Asked first, for every request: is there any reason to trace one made in this context, with this span? Must cost next to nothing. */
  wants(ctx: Context, requestSpan: RequestSpan | undefined): boolean;
  /** True: this request is not to be traced at all, by anyone. */
  ignores(info: RequestInfo): boolean;
  /** Whether concurrent lookups of one host are to share one query. */
  readonly coalesceLookups: boolean;
  /** The trace for a request, or none. */
  traceFor(ctx: Context, exchange: Exchange): SinkTrace | undefined;
}

let sources: readonly Source[] = [];

/** Adds a source, once; the returned function removes it. */
export function addSource(source: Source): () => void {
  if (!sources.includes(source)) sources = [...sources, source];
  return () => {
    sources = sources.filter((other) => other !== source);
  };
}

/** Whether anybody wants concurrent lookups of one host to share one query. */
export function coalescesLookups(): boolean {
  for (let i = 0; i < sources.length; i++) if (sources[i]?.coalesceLookups) return true;
  return false;
}

/** Whether it might matter to anybody what span a request has, and not only in what context it is made. */
export function doSpansMatter(): boolean {
  for (let i = 0; i < sources.length; i++) if (sources[i]?.mayWant) return true;
  return false;
}

/** Whether a request made in this context might be wanted, depending on a span of its own that is yet to begin. */
export function mayBeWanted(ctx: Context): boolean {
  return doSpansMatter() ? !isInHook() : isWanted(ctx);
}

/** Whether a request made in this context might be traced. The fast path: usually answered with no. */
export function isWanted(ctx: Context, requestSpan?: RequestSpan): boolean {
  if (isInHook()) return false;
  for (let i = 0; i < sources.length; i++) if (sources[i]?.wants(ctx, requestSpan)) return true;
  return sources.length > 0 && contextClientTrace(ctx) !== undefined;
}

/** The active context, if a request made in it might be traced. */
export function wantedContext(): Context | undefined {
  // Where nobody could want it, what is active is not even asked: that takes longer than all else.
  if (!doSpansMatter() && !isAnyAttached()) return undefined;
  const ctx = context.active();
  return isWanted(ctx) ? ctx : undefined;
}

/** The one trace of a request made in this context: our sinks first, so that slow hooks do not spoil their times. */
export function traceFor(ctx: Context, exchange: Exchange): SinkTrace | undefined {
  const asked = sources;
  for (let i = 0; i < asked.length; i++) if (asked[i]?.ignores(exchange)) return undefined;
  let trace: SinkTrace | undefined;
  for (let i = 0; i < asked.length; i++) trace = both(trace, asked[i]?.traceFor(ctx, exchange));
  return both(trace, contextClientTrace(ctx));
}

/** Both traces as one, neither of which can keep the other from running. */
export function both(first: SinkTrace | undefined, second: SinkTrace | undefined): SinkTrace | undefined {
  return first === undefined || second === undefined ? (first ?? second) : new Both(first, second);
}
