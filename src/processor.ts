import type { Context, Span } from '@opentelemetry/api';
import { spanBegun } from './clientspan';

/**
 * What {@link HttpTraceSpanProcessor} needs of a span processor: any of `@opentelemetry/sdk-trace-base` 2 or `@opentelemetry/sdk-trace` 3 will do.
 */
export interface InnerSpanProcessor {
  onStart(span: Span, parentContext: Context): void;
  onEnding?(span: Span): void;
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's ReadableSpan, whose type differs from one version to the next
  onEnd(span: any): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The processor inside, to which spans can be given that never began: one that is told of their beginnings does nothing about it. */
export let takesFinishedSpans: (processor: unknown) => InnerSpanProcessor | undefined;

/** Those of `BatchSpanProcessor` and `SimpleSpanProcessor` are, compressed or not. */
function isEmpty(method: unknown): boolean {
  return (
    typeof method === 'function' &&
    /^[\w$]+\s*\([\w$\s,]*\)\s*\{\s*\}$/.test(Function.prototype.toString.call(method))
  );
}

/**
 * A span processor that lets phases reach the spans of requests made by `fetch` and undici.
 *
 * `@opentelemetry/instrumentation-undici` never makes its spans active, so that {@link HttpTraceInstrumentation} finds only their ids: enough to write phases as child spans, but
 * not to write to the span itself. With this processor the modes `events` and `attributes` work for `fetch`, and in mode `spans` the request's span has the attributes of its connection.
 *
 * Around a `BatchSpanProcessor` or `SimpleSpanProcessor` it makes spans of phases cheap as well: they are handed to it finished (`onEnd`), and never started, which is most of what a
 * span costs. They are those that the tracer would have made, but that the sampler and the generator of ids are not asked: what is sampled is the request's span, and its phases
 * with it. Only where all processors of the provider are such pairs, and no span limit is narrower than the SDK's default: a processor that does something when spans start, or before they end, is told of
 * phases as of any span.
 *
 * Put it around the processor that exports, or beside it; it works with `@opentelemetry/sdk-trace-base` 2 and `@opentelemetry/sdk-trace` 3, in any order of registration.
 *
 * @example
 * ```ts
 * new NodeSDK({
 *   spanProcessors: [new HttpTraceSpanProcessor(new BatchSpanProcessor(new OTLPTraceExporter()))],
 *   instrumentations: [new UndiciInstrumentation(), new HttpTraceInstrumentation({ mode: 'events' })],
 * }).start();
 * ```
 */
export class HttpTraceSpanProcessor implements InnerSpanProcessor {
  readonly #inner: InnerSpanProcessor | undefined;
  readonly #takesFinishedSpans: boolean;

  static {
    takesFinishedSpans = (processor) =>
      typeof processor === 'object' &&
      processor !== null &&
      #inner in processor &&
      processor.#takesFinishedSpans
        ? processor.#inner
        : undefined;
  }

  /** @param inner - another processor, to which everything is passed on unchanged */
  constructor(inner?: InnerSpanProcessor) {
    this.#inner = inner;
    this.#takesFinishedSpans = inner !== undefined && inner.onEnding === undefined && isEmpty(inner.onStart);
  }

  onStart(span: Span, parentContext: Context): void {
    spanBegun(span);
    this.#inner?.onStart(span, parentContext);
  }

  onEnding(span: Span): void {
    this.#inner?.onEnding?.(span);
  }

  // biome-ignore lint/suspicious/noExplicitAny: see InnerSpanProcessor
  onEnd(span: any): void {
    this.#inner?.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#inner?.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#inner?.shutdown();
  }
}
