import type { Context, Span } from '@opentelemetry/api';
import { SpanKind } from './api';
import { type Begun, now } from './clock';
import { namesActive, spanContextOf } from './traceparent';
import type { RequestSpan } from './tracing';

/** Who makes spans for requests of undici and does not make them active. */
const SCOPE = '@opentelemetry/instrumentation-undici';

/** What the SDK's spans tell and the API's type does not. */
interface SdkSpan extends Span {
  readonly kind?: SpanKind;
  readonly instrumentationScope?: { readonly name?: string };
}

/** The span of the request that is being made, once it has begun; null until then; undefined while no look-out is kept. */
let seen: Span | null | undefined;

/**
 * Begins to look out for the span of one request, for as long as somebody else (instrumentation-undici) may begin it.
 *
 * Nothing asynchronous happens meanwhile; a request that is made meanwhile, by a hook of that instrumentation, has a look-out of its own.
 * @returns what {@link endLookout} must be given
 */
export function lookOut(): Span | null | undefined {
  const outer = seen;
  seen = null;
  return outer;
}

/** Ends it, and returns the span. */
export function endLookout(outer: Span | null | undefined): Span | undefined {
  const span = seen;
  seen = outer;
  return span ?? undefined;
}

/** `HttpTraceSpanProcessor` tells of every span that begins. */
export function spanBegun(span: Span): void {
  if (seen !== null) return;
  const { kind, instrumentationScope } = span as SdkSpan;
  if (kind === SpanKind.CLIENT && instrumentationScope?.name === SCOPE) seen = span;
}

/** Nobody asks when a span began that can be asked itself. */
const TOLD_BY_SPAN: Begun = { earliest: 0, latest: 0, by: 0 };

/**
 * The span of a request; undefined if it is the active one of `ctx`, or there is none.
 * @param span - the one that was looked out for
 * @param earliest - `Date.now()` before it may have begun
 * @param traceparent - what was put into the request's headers meanwhile: it tells the ids of a span of which no more can be known
 */
export function requestSpanOf(
  ctx: Context,
  span: Span | undefined,
  earliest: number,
  traceparent?: string,
  tracestate?: string,
): RequestSpan | undefined {
  if (span !== undefined) return { span, spanContext: span.spanContext(), begun: TOLD_BY_SPAN };
  if (traceparent === undefined || namesActive(ctx, traceparent)) return undefined;
  const spanContext = spanContextOf(traceparent, tracestate);
  return spanContext && { span, spanContext, begun: { earliest, by: now(), latest: Date.now() } };
}
