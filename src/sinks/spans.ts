import type { Attributes, Context, Span, SpanContext, SpanOptions, Tracer } from '@opentelemetry/api';
import { SpanKind, SpanStatusCode, trace } from '../api';
import type { GotConnInfo } from '../clienttrace';
import { now } from '../clock';
import type { Connection } from '../connection';
import * as names from '../names';
import { type Exchange, isSampled, type RequestSpan } from '../tracing';
import { type Anchor, anchor, anchorWithin, beganAt } from './anchor';
import { errorType, walked } from './attributesof';
import type { Finisher } from './finished';
import type { Mark, Phase, PhaseWriter } from './phase';
import { attributesOfConnection, describeConnection } from './requestspan';

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
  private first: Phase | undefined;
  private last: Phase | undefined;
  private parent: Span | undefined;
  private requestSpan: RequestSpan | undefined;
  private anchor: Anchor | undefined;
  private marks = 0;
  private connection: Connection | undefined;
  private isOpener = false;
  /** What is left for the first phase to tell, for want of a span to tell it. */
  private facts: Attributes | undefined;

  /** @param parent - the request's span; undefined if only its ids can be had, from `exchange`, which may also come to know another one */
  constructor(
    readonly tracer: Tracer,
    readonly ctx: Context,
    parent: Span | undefined,
    readonly slowerThan: number,
    readonly finisher: Finisher,
    readonly exchange: Pick<Exchange, 'begunAt' | 'requestSpan'>,
  ) {
    this.parent = parent;
    this.requestSpan = exchange.requestSpan;
    this.anchor = parent && anchor(parent);
  }

  /** The span of a request may be begun after the request was, and learns only then of its connection. */
  private settle(): void {
    const requestSpan = this.exchange.requestSpan;
    if (requestSpan !== this.requestSpan) {
      this.requestSpan = requestSpan;
      this.parent = requestSpan?.span;
      this.anchor = this.parent && anchor(this.parent);
    }
    if (this.parent === undefined || this.facts === undefined) return;
    if (this.parent.isRecording()) this.parent.setAttributes(this.facts);
    this.facts = undefined;
  }

  get began(): number {
    return this.parent === undefined
      ? (this.requestSpan?.begun.by ?? this.exchange.begunAt)
      : beganAt(this.parent);
  }

  connected(exchange: Exchange, info: GotConnInfo, waited: number | undefined): void {
    const isNamed = exchange.unnamedIn === undefined;
    if (isNamed) this.settle();
    if (isNamed && this.parent !== undefined) describeConnection(this.parent, exchange, info, waited);
    else this.facts = attributesOfConnection(exchange, info, waited);
    this.connection = exchange.connection;
    if (this.connection?.requestCount !== 1 || !this.connection.counted) return;
    this.isOpener = true;
    // Until http.getconn is written, and if it never is, the request's span stands for it.
    this.connection.openedBy = this.parent?.spanContext() ?? this.requestSpan?.spanContext;
  }

  phase(phase: Phase): void {
    if (this.last === undefined) this.first = phase;
    else this.last.next = phase;
    this.last = phase;
  }

  mark(mark: Mark, phase: Phase | undefined): void {
    this.settle();
    if (phase === undefined) return;
    phase.addMark(mark);
    this.marks++;
  }

  done(err?: Error): void {
    this.settle();
    if (err === undefined && this.slowerThan > 0 && now() - this.exchange.begunAt < this.slowerThan) return;
    const first = this.first;
    if (first === undefined) return;
    if (
      this.parent !== undefined &&
      this.anchor !== undefined &&
      this.finisher.takes(this.parent, this.marks)
    )
      return this.finish(first, this.parent.spanContext(), this.anchor);
    const inside = this.inside();
    if (inside === undefined) return;
    for (const [key, value] of Object.entries(this.facts ?? {}))
      if (value !== undefined) first.setAttribute(key, value);
    let opener = this.opener;
    for (let phase: Phase | undefined = first; phase !== undefined; phase = phase.next) {
      this.opened(phase, this.write(phase, inside, opener));
      opener = undefined;
    }
  }

  private finish(first: Phase, parent: SpanContext, anchor: Anchor): void {
    let opener = this.opener;
    for (let phase: Phase | undefined = first; phase !== undefined; phase = phase.next) {
      this.opened(phase, this.finisher.write(phase, parent, anchor, opener));
      opener = undefined;
    }
  }

  /** The span of the connection, to which the first phase is linked. */
  private get opener(): SpanContext | undefined {
    return this.isOpener ? undefined : this.connection?.openedBy;
  }

  private opened(phase: Phase, spanContext: SpanContext): void {
    if (this.isOpener && phase.name === names.SPAN_GETCONN && this.connection !== undefined)
      this.connection.openedBy = spanContext;
  }

  /** Undefined if it turns out that the request's span is not recorded. */
  private inside(): Place | undefined {
    if (this.parent !== undefined && this.anchor !== undefined)
      return { ctx: trace.setSpan(this.ctx, this.parent), anchor: this.anchor };
    const requestSpan = this.requestSpan;
    const spanContext = requestSpan?.spanContext;
    if (requestSpan === undefined || spanContext === undefined || !isSampled(spanContext)) return undefined;
    return { ctx: trace.setSpanContext(this.ctx, spanContext), anchor: anchorWithin(requestSpan.begun) };
  }

  private write(phase: Phase, { ctx, anchor }: Place, opener: SpanContext | undefined): SpanContext {
    const { name, start, end, attributes, error, marks, children } = phase;
    const options: SpanOptions = { kind: SpanKind.INTERNAL, startTime: anchor.at(start) };
    if (attributes !== undefined) options.attributes = walked(attributes);
    if (opener !== undefined) options.links = [{ context: opener }];
    const span = this.tracer.startSpan(name, options, ctx);
    if (error !== undefined) {
      span.setAttribute(names.ATTR_ERROR_TYPE, errorType(error));
      if (!phase.recovered) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    }
    if (marks !== undefined)
      for (const { name, attributes, time } of marks) span.addEvent(name, attributes, anchor.at(time));
    if (children !== undefined) {
      const inside = { ctx: trace.setSpan(ctx, span), anchor };
      for (const child of children) this.write(child, inside, undefined);
    }
    span.end(anchor.at(end));
    this.finisher.learn(span);
    return span.spanContext();
  }
}
