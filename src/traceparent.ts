import { type Context, createTraceState, type Span, type SpanContext } from '@opentelemetry/api';
import { SpanKind, trace } from './api';
import { now } from './clock';
import type { RequestSpan } from './tracing';

/** The span that a W3C `traceparent` names. */
export function spanContextOf(traceparent: string, tracestate?: string): SpanContext | undefined {
  if (!isTraceparent(traceparent)) return undefined;
  const spanContext: SpanContext = {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16),
  };
  if (tracestate) spanContext.traceState = createTraceState(tracestate);
  return spanContext;
}

const FORMAT = '00-00000000000000000000000000000000-0000000000000000-00';

/** Whether it has the format of one, to which later versions may add something. A regular expression takes four times as long. */
function isTraceparent(text: string): boolean {
  if (text.length < FORMAT.length) return false;
  for (let i = 0; i < FORMAT.length; i++) {
    const code = text.charCodeAt(i);
    const isHex = (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
    if (isHex === (FORMAT.charCodeAt(i) === 45)) return false;
    if (!isHex && code !== 45) return false;
  }
  return true;
}

/** Whether the span that a `traceparent` names is the active one of `ctx`. */
export function namesActive(ctx: Context, traceparent: string): boolean {
  const active = trace.getSpanContext(ctx);
  return active !== undefined && traceparent.startsWith(active.spanId, 36);
}

/** Whether it says that its span, another than the active one of `ctx`, is not sampled. Told without taking it apart: most are not, where few are. */
export function namesUnsampled(ctx: Context, traceparent: string): boolean {
  return traceparent.startsWith('00', 53) && !namesActive(ctx, traceparent);
}

/**
 * The span of a request that may be made in somebody else's context, by what its header says; undefined if that is the active one of `ctx`, which is better known.
 *
 * A header that was only passed on names the span of whoever called this program: the parent of the active span.
 */
export function spanNamedBy(
  ctx: Context,
  traceparent: string | undefined,
  tracestate?: string,
): RequestSpan | undefined {
  const spanContext = traceparent === undefined ? undefined : spanContextOf(traceparent, tracestate);
  if (spanContext === undefined) return undefined;
  const active = trace.getSpan(ctx);
  const { parentSpanContext } = (active ?? {}) as { parentSpanContext?: SpanContext };
  if ([active?.spanContext().spanId, parentSpanContext?.spanId].includes(spanContext.spanId))
    return undefined;
  // It began some time ago, nobody knows when.
  const wall = Date.now();
  return { span: undefined, spanContext, begun: { earliest: wall - 1, latest: wall, by: now() } };
}

/** What the SDK's spans tell and the API's type does not. */
interface SdkSpan extends Span {
  readonly kind?: SpanKind;
  readonly instrumentationScope?: { readonly name?: string };
}

const HTTP = '@opentelemetry/instrumentation-http';

/** Whether the active span is known to be that of a request of `http` that is being made: then no header need be looked at. */
export function isMadeForRequest(ctx: Context): boolean {
  const span: SdkSpan | undefined = trace.getSpan(ctx);
  return span?.kind === SpanKind.CLIENT && span.instrumentationScope?.name === HTTP;
}
