import type { Span } from '@opentelemetry/api';
import type { GotConnInfo } from '../clienttrace';
import * as names from '../names';
import type { Exchange } from '../tracing';
import { beganAt } from './anchor';
import type { Phase, PhaseWriter } from './phase';
import { describeConnection } from './requestspan';
import { withSuffix } from './suffix';

const KEYS = withSuffix(names.DURATION);

/** Each phase an attribute of the request's span: `<phase>.duration` in seconds. Several connection attempts are added up. */
export class DurationWriter implements PhaseWriter {
  constructor(readonly span: Span) {}

  get onlyTimes(): boolean {
    return true;
  }
  get began(): number {
    return beganAt(this.span);
  }

  connected(exchange: Exchange, info: GotConnInfo, waited: number | undefined): void {
    describeConnection(this.span, exchange, info, waited);
  }

  phase(phase: Phase): void {
    if (!this.span.isRecording()) return;
    this.span.setAttribute(KEYS[phase.name], seconds(phase));
    const { children } = phase;
    if (children === undefined) return;
    for (let i = 0; i < children.length; i++) {
      const { name } = children[i] as Phase;
      if (isFirst(children, i, name)) this.span.setAttribute(KEYS[name], total(children, i, name));
    }
  }

  done(): void {}
}

function isFirst(phases: readonly Phase[], at: number, name: names.SpanName): boolean {
  for (let i = 0; i < at; i++) if (phases[i]?.name === name) return false;
  return true;
}

function total(phases: readonly Phase[], from: number, name: names.SpanName): number {
  let sum = 0;
  for (let i = from; i < phases.length; i++) {
    const phase = phases[i] as Phase;
    if (phase.name === name) sum += seconds(phase);
  }
  return sum;
}

function seconds(phase: Phase): number {
  return (phase.end - phase.start) / 1000;
}
