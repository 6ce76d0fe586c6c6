import type { Attributes, Span } from '@opentelemetry/api';
import type { GotConnInfo } from '../clienttrace';
import * as names from '../names';
import type { Exchange } from '../tracing';
import { type Anchor, anchor, beganAt } from './anchor';
import { errorType, walked } from './attributesof';
import type { Mark, Phase, PhaseWriter } from './phase';
import { describeConnection } from './requestspan';
import { withSuffix } from './suffix';

const STARTS = withSuffix(names.START);
const DONES = withSuffix(names.DONE);

/** Each phase two events of the request's span, `<phase>.start` and `<phase>.done`, written when the phase is over and in the order of their times. */
export class EventWriter implements PhaseWriter {
  private readonly anchor: Anchor;

  constructor(readonly span: Span) {
    this.anchor = anchor(span);
  }

  get began(): number {
    return beganAt(this.span);
  }

  connected(exchange: Exchange, info: GotConnInfo, waited: number | undefined): void {
    describeConnection(this.span, exchange, info, waited);
  }

  phase(phase: Phase): void {
    this.event(STARTS[phase.name], undefined, phase.start);
    if (phase.children !== undefined) for (const child of phase.children) this.phase(child);
    const attributes =
      phase.error === undefined
        ? phase.attributes
        : { ...phase.attributes, [names.ATTR_ERROR_TYPE]: errorType(phase.error) };
    this.event(DONES[phase.name], attributes, phase.end);
  }

  mark(mark: Mark): void {
    this.event(mark.name, mark.attributes, mark.time);
  }

  done(): void {}

  private event(name: string, attributes: Attributes | undefined, time: number): void {
    if (this.span.isRecording())
      this.span.addEvent(name, attributes && walked(attributes), this.anchor.at(time));
  }
}
