import {
  type Context,
  createContextKey,
  diag,
  INVALID_TRACEID,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { trace } from './api';
import type { ClientTrace, HookName } from './clienttrace';
import { assertClientTrace, isolate } from './compose';
import type { Options } from './config';
import { DurationWriter } from './sinks/durations';
import { EventWriter } from './sinks/events';
import { Finisher } from './sinks/finished';
import type { PhaseWriter } from './sinks/phase';
import { PhaseTrace } from './sinks/phases';
import { headerRecorder } from './sinks/requestspan';
import { SpanWriter } from './sinks/spans';
import {
  both,
  type Exchange,
  isSampled,
  type RequestInfo,
  type RequestSpan,
  type SinkTrace,
  type Source,
} from './tracing';

/** Set by every OpenTelemetry SDK around its exporters' own requests; the API makes the key the same for all copies and versions. */
const SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Whether the request's span is recorded, or may turn out to be. */
function mayRecord(span: Span | undefined, requestSpan: RequestSpan | undefined): boolean {
  // The spans that New Relic makes active have nothing but their ids.
  if (span !== undefined || requestSpan === undefined) return span?.isRecording?.() === true;
  const { spanContext } = requestSpan;
  return spanContext === undefined || isSampled(spanContext);
}

/** Whether a span has ids. That they are made of hexadecimal digits is taken for granted: to look at each would take longer than all else here. */
function hasIds({ traceId, spanId }: SpanContext): boolean {
  return traceId?.length === 32 && spanId?.length === 16 && traceId !== INVALID_TRACEID;
}

/** What one instrumentation wants of each request: its phases written, and the hooks of its option `clientTrace` called. */
export class ConfiguredSource implements Source {
  readonly mayWant: boolean;
  private readonly options: Options;
  private readonly tracer: () => Tracer;
  private readonly reported = new Set<HookName>();
  private readonly failed = new Set<string>();
  private readonly finisher = new Finisher();

  constructor(options: Options, tracer: () => Tracer) {
    this.options = options;
    this.mayWant = options.clientTrace !== undefined || options.mode !== 'off';
    this.tracer = tracer;
  }

  get coalesceLookups(): boolean {
    return this.options.coalesceLookups;
  }

  wants(ctx: Context, requestSpan: RequestSpan | undefined): boolean {
    const { clientTrace, mode } = this.options;
    if (clientTrace !== undefined) return true;
    if (mode === 'off') return false;
    return mayRecord(requestSpan === undefined ? trace.getSpan(ctx) : requestSpan.span, requestSpan);
  }

  ignores(info: RequestInfo): boolean {
    const { ignoreRequest } = this.options;
    return ignoreRequest !== undefined && this.ask('ignoreRequest', ignoreRequest, info) === true;
  }

  traceFor(ctx: Context, exchange: Exchange): SinkTrace | undefined {
    return both(this.sink(ctx, exchange), this.clientTrace(exchange));
  }

  private sink(ctx: Context, exchange: Exchange): SinkTrace | undefined {
    const { mode, minDuration, headers } = this.options;
    if (mode === 'off') return undefined;
    const { requestSpan } = exchange;
    const span = requestSpan === undefined ? trace.getSpan(ctx) : requestSpan.span;
    if (!mayRecord(span, requestSpan) || ctx.getValue(SUPPRESSED) === true) return undefined;
    if (span !== undefined && !hasIds(span.spanContext())) return undefined;
    const writer = this.writer(ctx, span, exchange);
    return writer && new PhaseTrace(exchange, writer, minDuration, span && headerRecorder(span, headers));
  }

  private writer(ctx: Context, span: Span | undefined, exchange: Exchange): PhaseWriter | undefined {
    const { mode, slowerThan } = this.options;
    if (mode === 'spans')
      return new SpanWriter(this.tracer(), ctx, span, slowerThan, this.finisher, exchange);
    if (span === undefined) return this.missProcessor();
    return mode === 'events' ? new EventWriter(span) : new DurationWriter(span);
  }

  /** Of a span that its client does not make active, only the ids can be known: enough for children, but not to write to the span itself. */
  private missProcessor(): undefined {
    if (!this.failed.has('mode'))
      diag.warn(
        `httptrace: mode ${this.options.mode} writes nothing for fetch and undici: the spans of their requests are not active. ` +
          'Add an HttpTraceSpanProcessor to the span processors of the SDK, or use mode spans',
      );
    this.failed.add('mode');
  }

  private clientTrace(info: RequestInfo): ClientTrace | undefined {
    const { clientTrace } = this.options;
    if (clientTrace === undefined) return undefined;
    return this.ask(
      'clientTrace',
      (about) => {
        const hooks = clientTrace(about);
        if (hooks === undefined) return undefined;
        assertClientTrace(hooks, 'clientTrace');
        return isolate(hooks, this.reported);
      },
      info,
    );
  }

  /** Calls an option of the user's; what it throws is reported once. */
  private ask<T>(
    option: string,
    ask: (info: RequestInfo) => T,
    { hostPort, protocol, transport }: RequestInfo,
  ) {
    try {
      return ask({ hostPort, protocol, transport });
    } catch (error) {
      if (!this.failed.has(option))
        diag.error(`httptrace: option ${option} threw; its later errors are not reported`, error);
      this.failed.add(option);
      return undefined;
    }
  }
}
