import { type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { type Begun, now } from './clock';
import { spanContextOf } from './traceparent';
import type { RequestSpan } from './tracing';

/** Who makes spans for requests of undici and does not make them active. */
const SCOPE = '@opentelemetry/instrumentation-undici';

/** What the SDK's spans tell and the API's type does not. */
interface SdkSpan extends Span {
  readonly kind?: SpanKind;
  readonly instrumentationScope?: { readonly name?: string };
}

/**
 * A look-out for the span of one request, for as long as somebody else (instrumentation-undici) may begin it.
 *
 * Nothing asynchronous happens meanwhile; a request that is made meanwhile, by a hook of that instrumentation, has a look-out of its own.
 */
export class Lookout {
  static #current: Lookout | undefined;

  /** `HttpTraceSpanProcessor` tells of every span that begins. */
  static spanBegun(span: Span): void {
    const lookout = Lookout.#current;
    if (lookout === undefined || lookout.#span !== undefined) return;
    const { kind, instrumentationScope } = span as SdkSpan;
    if (kind === SpanKind.CLIENT && instrumentationScope?.name === SCOPE) lookout.#span = span;
  }

  readonly #outer = Lookout.#current;
  readonly #earliest = Date.now();
  #span: Span | undefined;

  constructor() {
    Lookout.#current = this;
  }

  /** Ends it; returns between which moments a span of the time began. */
  end(): Begun {
    Lookout.#current = this.#outer;
    return { earliest: this.#earliest, by: now(), latest: Date.now() };
  }

  /**
   * The span of the request; undefined if it is the active one of `ctx`, or there is none.
   * @param traceparent - what was put into the request's headers meanwhile: it tells the ids of a span of which no more can be known
   */
  found(ctx: Context, begun: Begun, traceparent?: string, tracestate?: string): RequestSpan | undefined {
    if (this.#span !== undefined) return { span: this.#span, spanContext: this.#span.spanContext(), begun };
    const spanContext = traceparent === undefined ? undefined : spanContextOf(traceparent, tracestate);
    if (spanContext === undefined || trace.getSpanContext(ctx)?.spanId === spanContext.spanId)
      return undefined;
    return { span: undefined, spanContext, begun };
  }
}
