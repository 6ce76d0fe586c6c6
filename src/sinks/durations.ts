import type { Attributes, Span } from '@opentelemetry/api';
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
    if (phase.children !== undefined) this.span.setAttributes(sums(phase.children));
  }

  done(): void {}
}

function sums(phases: readonly Phase[]): Attributes {
  const attributes: Record<string, number> = {};
  for (const phase of phases) {
    const key = KEYS[phase.name];
    attributes[key] = (attributes[key] ?? 0) + seconds(phase);
  }
  return attributes;
}

function seconds(phase: Phase): number {
  return (phase.end - phase.start) / 1000;
}
