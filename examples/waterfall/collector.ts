import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** An exporter that keeps spans by their trace, until somebody takes them. */
export class SpanCollector implements SpanExporter {
  readonly #traces = new Map<string, ReadableSpan[]>();

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    for (const span of spans) {
      const { traceId } = span.spanContext();
      const others = this.#traces.get(traceId);
      if (others === undefined) this.#traces.set(traceId, [span]);
      else others.push(span);
    }
    done({ code: ExportResultCode.SUCCESS });
  }

  take(traceId: string): ReadableSpan[] {
    const spans = this.#traces.get(traceId) ?? [];
    this.#traces.delete(traceId);
    return spans;
  }

  async shutdown(): Promise<void> {
    this.#traces.clear();
  }
}
