import { type Span, SpanKind } from '@opentelemetry/api';

/** Who makes spans for requests of undici and does not make them active. */
const SCOPE = '@opentelemetry/instrumentation-undici';

/** What the SDK's spans tell and the API's type does not. */
interface SdkSpan extends Span {
  readonly kind?: SpanKind;
  readonly instrumentationScope?: { readonly name?: string };
}

/** A look-out for the span of one request. */
interface Lookout {
  span: Span | undefined;
}

let lookout: Lookout | undefined;

/**
 * Runs something in which instrumentation-undici begins the span of a request, if it is there; returns the span, if `HttpTraceSpanProcessor` is there.
 *
 * Nothing asynchronous happens inside; a request that somebody makes inside has a look-out of its own.
 */
export function withLookout(run: () => void): Span | undefined {
  const outer = lookout;
  const mine: Lookout = { span: undefined };
  lookout = mine;
  try {
    run();
  } finally {
    lookout = outer;
  }
  return mine.span;
}

/** Told of every span that begins. */
export function spanBegun(span: Span): void {
  if (lookout === undefined || lookout.span !== undefined) return;
  const { kind, instrumentationScope } = span as SdkSpan;
  if (kind === SpanKind.CLIENT && instrumentationScope?.name === SCOPE) lookout.span = span;
}
