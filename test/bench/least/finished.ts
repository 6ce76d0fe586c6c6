import { type Attributes, type HrTime, type Link, type SpanContext, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { randomSpanId } from '../../../src/sinks/spanid';
import { at, type Child, childSpans, type SdkSpan, type Teller } from './told';

/** Handed over when they are finished, without the tracer. */
export function finishedSpans(processor: SpanProcessor): Teller {
  return childSpans<FinishedSpan>(
    (_seen, parent, made, child) => {
      const span = new FinishedSpan(parent as SdkSpan & ReadableSpan, made?.spanContext(), child);
      processor.onEnd(span as unknown as ReadableSpan);
      return span;
    },
    (span) => span.spanContext(),
  );
}

class FinishedSpan {
  readonly kind = SpanKind.INTERNAL;
  readonly status = { code: 0 };
  readonly ended = true;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  readonly droppedLinksCount = 0;
  readonly name: string;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly links: readonly Link[];
  readonly events: ReadableSpan['events'];
  readonly resource: unknown;
  readonly instrumentationScope: unknown;
  readonly parentSpanContext: SpanContext;
  readonly #ids: SpanContext;

  constructor(span: SdkSpan & ReadableSpan, made: SpanContext | undefined, child: Child) {
    const { name, start, end, attributes = {}, link, putIdleAt = 0 } = child;
    const parent = made ?? span.spanContext();
    this.name = name;
    this.startTime = at(span, start);
    this.endTime = at(span, end);
    this.attributes = attributes;
    this.links = link === undefined ? [] : [{ context: link, attributes: {}, droppedAttributesCount: 0 }];
    this.events =
      putIdleAt > 0 ? [{ name: 'http.put_idle_conn', time: at(span, putIdleAt), attributes: {} }] : [];
    this.resource = span.resource;
    this.instrumentationScope = span.instrumentationScope;
    this.parentSpanContext = parent;
    this.#ids = { traceId: parent.traceId, spanId: randomSpanId(), traceFlags: 1 };
  }

  spanContext(): SpanContext {
    return this.#ids;
  }

  get duration(): HrTime {
    const [seconds, nanos] = this.startTime;
    const [toSeconds, toNanos] = this.endTime;
    const isLess = toNanos < nanos;
    return [toSeconds - seconds - (isLess ? 1 : 0), toNanos - nanos + (isLess ? 1e9 : 0)];
  }
}
