import type { Attributes, Histogram } from '@opentelemetry/api';
import type { DnsDoneInfo, DnsStartInfo, Network, TlsState } from '../clienttrace';
import { now } from '../clock';
import type { DialTrace } from '../measuring';
import * as names from '../names';
import { errorType } from './attributesof';

/** The attributes of each phase of a dial to one server: made once, because most dials are alike. */
export interface PhaseAttributes {
  readonly dns: Attributes;
  readonly connect: Attributes;
  readonly tls: Attributes;
}

export function phasesTo(server: Attributes): PhaseAttributes {
  const of = (phase: string): Attributes => ({ ...server, [names.ATTR_PHASE]: phase });
  return { dns: of('dns'), connect: of('connect'), tls: of('tls') };
}

/** The phases of one dial. They follow one another, so one start is all there is to remember. */
export class DialMetrics implements DialTrace {
  private start = 0;
  private host = '';

  constructor(
    readonly lookup: Histogram,
    readonly setup: Histogram,
    readonly phases: PhaseAttributes,
  ) {}

  dnsStart({ host }: DnsStartInfo): void {
    this.host = host;
    this.start = now();
  }

  dnsDone({ err }: DnsDoneInfo): void {
    const failure = failureOf(err);
    this.lookup.record(this.elapsed(), { [names.ATTR_DNS_QUESTION_NAME]: this.host, ...failure });
    this.record(this.phases.dns, failure);
  }

  connectStart(): void {
    this.start = now();
  }

  connectDone(_network: Network, _addr: string, err?: Error): void {
    this.record(this.phases.connect, failureOf(err));
  }

  tlsHandshakeStart(): void {
    this.start = now();
  }

  tlsHandshakeDone(_state: TlsState | undefined, err?: Error): void {
    this.record(this.phases.tls, failureOf(err));
  }

  private record(phase: Attributes, failure: Attributes | undefined): void {
    this.setup.record(this.elapsed(), failure === undefined ? phase : { ...phase, ...failure });
  }

  private elapsed(): number {
    return (now() - this.start) / 1000;
  }
}

function failureOf(err: Error | undefined): Attributes | undefined {
  return err && { [names.ATTR_ERROR_TYPE]: errorType(err) };
}
