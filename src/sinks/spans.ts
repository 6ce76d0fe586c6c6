import {
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
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
import type { Finisher } from './finished';
import type { Mark, Phase, PhaseWriter } from './phase';
import { setAttributes } from './requestspan';

// A constant: as a property of a module with getters it would be looked up for every phase.
const { SPAN_GETCONN } = names;

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
  #parent: Span | undefined;
  #requestSpan: RequestSpan | undefined;
  #anchor: Anchor | undefined;
  #marks = 0;
  #connection: Connection | undefined;
  #isOpener = false;
  /** What is left for the first phase to tell, for want of a span to tell it. */
  #facts: Attributes | undefined;

  /** @param parent - the request's span; undefined if only its ids can be had, from `exchange`, which may also come to know another one */
  constructor(
    readonly tracer: Tracer,
    readonly ctx: Context,
    parent: Span | undefined,
    readonly slowerThan: number,
    readonly finisher: Finisher,
    readonly exchange?: Pick<Exchange, 'requestSpan'>,
  ) {
    this.#start = now();
    this.#parent = parent;
    this.#requestSpan = exchange?.requestSpan;
    this.#anchor = parent && anchor(parent);
  }

  /** The span of a request may be begun after the request was, and learns only then of its connection. */
  #settle(): void {
    const requestSpan = this.exchange?.requestSpan;
    if (requestSpan !== this.#requestSpan) {
      this.#requestSpan = requestSpan;
      this.#parent = requestSpan?.span;
      this.#anchor = this.#parent && anchor(this.#parent);
    }
    if (this.#parent === undefined || this.#facts === undefined) return;
    setAttributes(this.#parent, this.#facts);
    this.#facts = undefined;
  }

  get began(): number {
    return this.#parent === undefined ? (this.#requestSpan?.begun.by ?? this.#start) : beganAt(this.#parent);
  }

  connected(exchange: Exchange, facts: Attributes): void {
    this.#facts = facts;
    if (exchange.unnamedIn === undefined) this.#settle();
    this.#connection = exchange.connection;
    if (this.#connection?.requestCount !== 1 || !this.#connection.counted) return;
    this.#isOpener = true;
    // Until http.getconn is written, and if it never is, the request's span stands for it.
    this.#connection.openedBy = this.#parent?.spanContext() ?? this.#requestSpan?.spanContext;
  }

  phase(phase: Phase): void {
    this.#phases.push(phase);
  }

  mark(mark: Mark, phase: Phase | undefined): void {
    this.#settle();
    if (phase === undefined) return;
    phase.addMark(mark);
    this.#marks++;
  }

  done(err?: Error): void {
    this.#settle();
    if (err === undefined && this.slowerThan > 0 && now() - this.#start < this.slowerThan) return;
    const parent = this.#parent;
    if (parent !== undefined && this.#anchor !== undefined && this.finisher.takes(parent, this.#marks)) {
      const anchor = this.#anchor;
      this.#writeAll((phase, opener) => this.finisher.write(phase, parent.spanContext(), anchor, opener));
      return;
    }
    const inside = this.#inside();
    if (inside === undefined) return;
    this.#phases[0]?.describe(this.#facts);
    this.#writeAll((phase, opener) => this.#write(phase, inside, opener));
  }

  #writeAll(write: (phase: Phase, opener: SpanContext | undefined) => SpanContext): void {
    const connection = this.#connection;
    let opener = this.#isOpener ? undefined : connection?.openedBy;
    for (const phase of this.#phases) {
      const spanContext = write(phase, opener);
      opener = undefined;
      if (phase.name === SPAN_GETCONN && this.#isOpener && connection !== undefined)
        connection.openedBy = spanContext;
    }
  }

  /** Undefined if it turns out that the request's span is not recorded. */
  #inside(): Place | undefined {
    if (this.#parent !== undefined && this.#anchor !== undefined)
      return { ctx: trace.setSpan(this.ctx, this.#parent), anchor: this.#anchor };
    const requestSpan = this.#requestSpan;
    const spanContext = requestSpan?.spanContext;
    if (requestSpan === undefined || spanContext === undefined || !isSampled(spanContext)) return undefined;
    return { ctx: trace.setSpanContext(this.ctx, spanContext), anchor: anchorWithin(requestSpan.begun) };
  }

  #write(phase: Phase, { ctx, anchor }: Place, opener: SpanContext | undefined): SpanContext {
    const { name, start, end, attributes, error, marks, children } = phase;
    const options: SpanOptions = { kind: SpanKind.INTERNAL, startTime: anchor(start) };
    if (attributes !== undefined) options.attributes = attributes;
    if (opener !== undefined) options.links = [{ context: opener }];
    const span = this.tracer.startSpan(name, options, ctx);
    if (error !== undefined) {
      span.setAttribute(names.ATTR_ERROR_TYPE, errorType(error));
      if (!phase.recovered) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    }
    if (marks !== undefined)
      for (const { name, attributes, time } of marks) span.addEvent(name, attributes, anchor(time));
    if (children !== undefined) {
      const inside = { ctx: trace.setSpan(ctx, span), anchor };
      for (const child of children) this.#write(child, inside, undefined);
    }
    span.end(anchor(end));
    this.finisher.learn(span);
    return span.spanContext();
  }
}
