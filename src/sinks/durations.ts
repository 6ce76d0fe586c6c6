import type { Attributes, Span } from '@opentelemetry/api';
import * as names from '../names';
import type { Exchange } from '../tracing';
import type { Phase, PhaseWriter } from './phases';
import { setAttributes } from './requestspan';

/** Each phase an attribute of the request's span: `<phase>.duration` in seconds. Several connection attempts are added up. */
export class DurationWriter implements PhaseWriter {
  readonly #sums: Record<string, number> = {};

  constructor(readonly span: Span) {}

  connected(_exchange: Exchange, facts: Attributes): void {
    setAttributes(this.span, facts);
  }

  phase(phase: Phase): void {
    setAttributes(this.span, this.#durations(phase));
  }

  mark(): void {}

  done(): void {}

  #durations(phase: Phase): Attributes {
    const key = phase.name + names.DURATION;
    const sum = (this.#sums[key] ?? 0) + (phase.end - phase.start) / 1000;
    this.#sums[key] = sum;
    const attributes: Attributes = { [key]: sum };
    for (const child of phase.children) Object.assign(attributes, this.#durations(child));
    return attributes;
  }
}
