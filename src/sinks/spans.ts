import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { now } from '../clock';
import type { Connection } from '../connection';
import * as names from '../names';
import { type Exchange, isSampled, type RequestSpan } from '../tracing';
import { type Anchor, anchor, anchorWithin, beganAt } from './anchor';
import { errorType } from './attributesof';
import type { Mark, Phase, PhaseWriter } from './phase';
import { setAttributes } from './requestspan';

/** Under which span, and on whose clock. */
interface Place {
  readonly ctx: Context;
  readonly anchor: Anchor;
}

/**
 * Each phase a child span of the request's span.
 *
 * Phases are kept until the request is over, when it is known whether it was slow enough to be written; nothing can be left open, and nothing is started
 * while the request is on its way. So the request's span has often ended before its children are written, which OpenTelemetry allows.
 */
export class SpanWriter implements PhaseWriter {
  readonly #phases: Phase[] = [];
  readonly #start: number;
  readonly #anchor: Anchor | undefined;
  #connection: Connection | undefined;
  #isOpener = false;
  /** What is left for the first phase to tell, for want of a span to tell it. */
  #facts: Attributes | undefined;

  /** @param parent - the request's span; undefined if only its ids can be had, and those of `requestSpan` when the request is over */
  constructor(
    readonly tracer: Tracer,
    readonly ctx: Context,
    readonly parent: Span | undefined,
    readonly slowerThan: number,
    readonly requestSpan?: RequestSpan,
  ) {
    this.#start = now();
    this.#anchor = parent && anchor(parent);
  }

  get began(): number {
    return this.parent === undefined ? (this.requestSpan?.begun.by ?? this.#start) : beganAt(this.parent);
  }

  connected(exchange: Exchange, facts: Attributes): void {
    if (this.parent !== undefined) setAttributes(this.parent, facts);
    else this.#facts = facts;
    this.#connection = exchange.connection;
    if (this.#connection?.requestCount !== 1 || !this.#connection.counted) return;
    this.#isOpener = true;
    // Until http.getconn is written, and if it never is, the request's span stands for it.
    this.#connection.openedBy = this.parent?.spanContext() ?? this.requestSpan?.spanContext;
  }

  phase(phase: Phase): void {
    this.#phases.push(phase);
  }

  mark(mark: Mark, phase: Phase | undefined): void {
    phase?.marks.push(mark);
  }

  done(err?: Error): void {
    if (err === undefined && now() - this.#start < this.slowerThan) return;
    const inside = this.#inside();
    if (inside === undefined) return;
    const [first] = this.#phases;
    if (first !== undefined && this.#facts !== undefined) Object.assign(first.attributes, this.#facts);
    let links = this.#linkToOpener();
    for (const phase of this.#phases) {
      const span = this.#write(phase, inside, links);
      links = [];
      if (phase.name === names.SPAN_GETCONN && this.#isOpener && this.#connection !== undefined)
        this.#connection.openedBy = span.spanContext();
    }
  }

  /** Undefined if it turns out that the request's span is not recorded. */
  #inside(): Place | undefined {
    if (this.parent !== undefined && this.#anchor !== undefined)
      return { ctx: trace.setSpan(this.ctx, this.parent), anchor: this.#anchor };
    const { requestSpan } = this;
    const spanContext = requestSpan?.spanContext;
    if (requestSpan === undefined || spanContext === undefined || !isSampled(spanContext)) return undefined;
    return { ctx: trace.setSpanContext(this.ctx, spanContext), anchor: anchorWithin(requestSpan.begun) };
  }

  #linkToOpener(): Link[] {
    const openedBy = this.#isOpener ? undefined : this.#connection?.openedBy;
    return openedBy === undefined ? [] : [{ context: openedBy }];
  }

  #write(phase: Phase, { ctx, anchor }: Place, links: Link[]): Span {
    const span = this.tracer.startSpan(
      phase.name,
      { kind: SpanKind.INTERNAL, startTime: anchor(phase.start), attributes: phase.attributes, links },
      ctx,
    );
    if (phase.error !== undefined) {
      span.setAttribute(names.ATTR_ERROR_TYPE, errorType(phase.error));
      if (!phase.recovered) span.setStatus({ code: SpanStatusCode.ERROR, message: phase.error.message });
    }
    for (const { name, attributes, time } of phase.marks) span.addEvent(name, attributes, anchor(time));
    if (phase.children.length > 0) {
      const inside = { ctx: trace.setSpan(ctx, span), anchor };
      for (const child of phase.children) this.#write(child, inside, []);
    }
    span.end(anchor(phase.end));
    return span;
  }
}
