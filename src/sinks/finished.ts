import type { Attributes, HrTime, Span, SpanContext, SpanStatus } from '@opentelemetry/api';
import { SpanKind, SpanStatusCode, TraceFlags } from '../api';
import * as names from '../names';
import { type InnerSpanProcessor, takesFinishedSpans } from '../processor';
import type { Anchor } from './anchor';
import { errorType } from './attributesof';
import type { Mark, Phase } from './phase';
import { randomSpanId } from './spanid';

/** What SDK spans (2.x, 3.x) tell of where they come from and where they go. The last two are private: without them nothing is taken for granted. */
interface SdkSpan extends Span {
  readonly resource?: unknown;
  readonly instrumentationScope?: unknown;
  readonly parentSpanContext?: SpanContext;
  readonly _spanProcessor?: { readonly _spanProcessors?: readonly unknown[] };
  readonly _spanLimits?: Readonly<Record<string, number | undefined>>;
}

/**
 * Writes phases as spans that are finished already, without starting them: of what a span costs, most is its start.
 *
 * What all spans of the tracer have in common it learns from one that the tracer has made: so the first request's phases are always written by the tracer, and those of a span that comes from
 * elsewhere or goes elsewhere, too. What is handed over is what the tracer would have made; only the sampler and the generator of ids are not asked.
 */
export class Finisher {
  #model: SdkSpan | undefined;
  #takers: readonly InnerSpanProcessor[] = [];

  /** @param span - one that the tracer has made */
  learn(span: Span): void {
    const model = span as SdkSpan;
    if (model._spanProcessor === undefined || model._spanProcessor === this.#model?._spanProcessor) return;
    this.#model = model;
    this.#takers = isComplete(model) ? takersOf(model._spanProcessor._spanProcessors) : [];
  }

  /**
   * Whether the phases of a span can be written here.
   * @param marks - how many moments there are in all
   */
  takes(parent: Span, marks: number): boolean {
    if (this.#takers.length === 0) return false;
    const { _spanProcessor, _spanLimits } = parent as SdkSpan;
    if (_spanProcessor !== this.#model?._spanProcessor) return false;
    // Recorded but not sampled: whether its children are is for the sampler to say.
    if ((parent.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return false;
    return marks <= (_spanLimits?.eventCountLimit ?? 0);
  }

  /** Hands over a phase, after the phases inside it. */
  write(phase: Phase, parent: SpanContext, anchor: Anchor, opener: SpanContext | undefined): SpanContext {
    const span = new FinishedSpan(phase, parent, anchor, opener, this.#model as SdkSpan);
    if (phase.children !== undefined)
      for (const child of phase.children) this.write(child, span.spanContext(), anchor, undefined);
    for (const taker of this.#takers) taker.onEnd(span);
    return span.spanContext();
  }
}

/** Whether it tells all that a finished span must, and has limits that ours keep. */
function isComplete({
  resource,
  instrumentationScope,
  parentSpanContext,
  _spanLimits = {},
}: SdkSpan): boolean {
  if (!resource || !instrumentationScope || !parentSpanContext) return false;
  const { attributeCountLimit, attributeValueLengthLimit, linkCountLimit } = _spanLimits;
  const { attributePerEventCountLimit } = _spanLimits;
  return (
    Math.min(attributeCountLimit ?? 0, attributePerEventCountLimit ?? 0) >= 32 &&
    (attributeValueLengthLimit ?? Infinity) === Infinity &&
    (linkCountLimit ?? 0) >= 1
  );
}

/** All processors that spans go to, if all of them take finished ones; otherwise none. */
function takersOf(processors: readonly unknown[] | undefined): InnerSpanProcessor[] {
  const takers = (Array.isArray(processors) ? processors : []).map(takesFinishedSpans);
  return takers.every((taker) => taker !== undefined) ? takers : [];
}

/** The SDK's `ReadableSpan`, 2.x and 3.x. */
export class FinishedSpan {
  // Declared only, and so written once each.
  declare readonly name: string;
  declare readonly kind: SpanKind;
  declare readonly startTime: HrTime;
  declare readonly endTime: HrTime;
  declare readonly status: SpanStatus;
  declare readonly attributes: Attributes;
  declare readonly links: readonly unknown[];
  declare readonly events: readonly unknown[];
  declare readonly resource: unknown;
  declare readonly instrumentationScope: unknown;
  declare readonly parentSpanContext: SpanContext;
  private declare readonly ids: SpanContext;

  constructor(
    phase: Phase,
    parent: SpanContext,
    anchor: Anchor,
    opener: SpanContext | undefined,
    model: SdkSpan,
  ) {
    const { error } = phase;
    this.name = phase.name;
    this.kind = SpanKind.INTERNAL;
    this.startTime = anchor.at(phase.start);
    this.endTime = anchor.at(phase.end);
    this.status = statusOf(error, phase.recovered);
    this.attributes = phase.attributes ?? {};
    if (error !== undefined) this.attributes[names.ATTR_ERROR_TYPE] = errorType(error);
    this.links = opener === undefined ? [] : [{ context: opener, attributes: {}, droppedAttributesCount: 0 }];
    this.events = phase.marks === undefined ? [] : eventsOf(phase.marks, anchor);
    this.resource = model.resource;
    this.instrumentationScope = model.instrumentationScope;
    this.parentSpanContext = parent;
    this.ids = idsIn(parent);
  }

  spanContext(): SpanContext {
    return this.ids;
  }
  get duration(): HrTime {
    const [seconds, nanos] = this.startTime;
    const [toSeconds, toNanos] = this.endTime;
    return toNanos < nanos
      ? [toSeconds - seconds - 1, toNanos - nanos + 1e9]
      : [toSeconds - seconds, toNanos - nanos];
  }
  get ended(): boolean {
    return true;
  }
  get droppedAttributesCount(): number {
    return 0;
  }
  get droppedEventsCount(): number {
    return 0;
  }
  get droppedLinksCount(): number {
    return 0;
  }
}

function idsIn({ traceId, traceState }: SpanContext): SpanContext {
  return { traceId, spanId: randomSpanId(), traceFlags: TraceFlags.SAMPLED, traceState } as SpanContext;
}

function statusOf(error: Error | undefined, recovered: boolean): SpanStatus {
  return error === undefined || recovered
    ? { code: SpanStatusCode.UNSET }
    : { code: SpanStatusCode.ERROR, message: error.message };
}

function eventsOf(marks: readonly Mark[], anchor: Anchor): unknown[] {
  const events = new Array<unknown>(marks.length);
  for (let i = 0; i < marks.length; i++) {
    const { name, time, attributes = {} } = marks[i] as Mark;
    events[i] = { name, time: anchor.at(time), attributes, droppedAttributesCount: 0 };
  }
  return events;
}
