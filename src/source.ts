import {
  type Context,
  createContextKey,
  diag,
  isSpanContextValid,
  type Span,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ClientTrace, HookName } from './clienttrace';
import { assertClientTrace, isolate } from './compose';
import type { Options } from './config';
import { DurationWriter } from './sinks/durations';
import { EventWriter } from './sinks/events';
import type { PhaseWriter } from './sinks/phase';
import { PhaseTrace } from './sinks/phases';
import { headerRecorder } from './sinks/requestspan';
import { SpanWriter } from './sinks/spans';
import { both, type Exchange, type RequestInfo, type SinkTrace, type Source } from './tracing';

/** Set by every OpenTelemetry SDK around its exporters' own requests; the API makes the key the same for all copies and versions. */
const SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** What one instrumentation wants of each request: its phases written, and the hooks of its option `clientTrace` called. */
export class ConfiguredSource implements Source {
  readonly #options: Options;
  readonly #tracer: () => Tracer;
  readonly #reported = new Set<HookName>();
  readonly #failed = new Set<string>();

  constructor(options: Options, tracer: () => Tracer) {
    this.#options = options;
    this.#tracer = tracer;
  }

  get coalesceLookups(): boolean {
    return this.#options.coalesceLookups;
  }

  wants(ctx: Context): boolean {
    const { clientTrace, mode } = this.#options;
    return clientTrace !== undefined || (mode !== 'off' && trace.getSpan(ctx)?.isRecording() === true);
  }

  ignores(info: RequestInfo): boolean {
    const { ignoreRequest } = this.#options;
    return ignoreRequest !== undefined && this.#ask('ignoreRequest', ignoreRequest, info) === true;
  }

  traceFor(ctx: Context, exchange: Exchange): SinkTrace | undefined {
    return both(this.#sink(ctx, exchange), this.#clientTrace(exchange));
  }

  /** The request's span, if phases are to be written to it. */
  #parent(ctx: Context): Span | undefined {
    if (this.#options.mode === 'off') return undefined;
    const span = trace.getSpan(ctx);
    if (!span?.isRecording() || ctx.getValue(SUPPRESSED) === true) return undefined;
    return isSpanContextValid(span.spanContext()) ? span : undefined;
  }

  #sink(ctx: Context, exchange: Exchange): SinkTrace | undefined {
    const parent = this.#parent(ctx);
    if (parent === undefined) return undefined;
    const { minDuration, headers } = this.#options;
    return new PhaseTrace(exchange, this.#writer(ctx, parent), minDuration, headerRecorder(parent, headers));
  }

  #writer(ctx: Context, parent: Span): PhaseWriter {
    const { mode, slowerThan } = this.#options;
    if (mode === 'events') return new EventWriter(parent);
    if (mode === 'attributes') return new DurationWriter(parent);
    return new SpanWriter(this.#tracer(), ctx, parent, slowerThan);
  }

  #clientTrace(info: RequestInfo): ClientTrace | undefined {
    const { clientTrace } = this.#options;
    if (clientTrace === undefined) return undefined;
    return this.#ask(
      'clientTrace',
      (about) => {
        const hooks = clientTrace(about);
        if (hooks === undefined) return undefined;
        assertClientTrace(hooks, 'clientTrace');
        return isolate(hooks, this.#reported);
      },
      info,
    );
  }

  /** Calls an option of the user's; what it throws is reported once. */
  #ask<T>(option: string, ask: (info: RequestInfo) => T, { hostPort, protocol, transport }: RequestInfo) {
    try {
      return ask({ hostPort, protocol, transport });
    } catch (error) {
      if (!this.#failed.has(option))
        diag.error(`httptrace: option ${option} threw; its later errors are not reported`, error);
      this.#failed.add(option);
      return undefined;
    }
  }
}
