import type { Attributes, Histogram } from '@opentelemetry/api';
import type { DnsDoneInfo, DnsStartInfo, Network, TlsState } from '../clienttrace';
import { now } from '../clock';
import type { DialTrace } from '../measuring';
import * as names from '../names';
import { errorType } from './attributesof';

/** The phases of one dial. They follow one another, so one start is all there is to remember. */
export class DialMetrics implements DialTrace {
  #start = 0;
  #host = '';

  constructor(
    readonly lookup: Histogram,
    readonly setup: Histogram,
    readonly server: Attributes,
  ) {}

  dnsStart({ host }: DnsStartInfo): void {
    this.#host = host;
    this.#start = now();
  }

  dnsDone({ err }: DnsDoneInfo): void {
    const failure = failureOf(err);
    this.lookup.record(this.#elapsed(), { [names.ATTR_DNS_QUESTION_NAME]: this.#host, ...failure });
    this.#record('dns', failure);
  }

  connectStart(): void {
    this.#start = now();
  }

  connectDone(_network: Network, _addr: string, err?: Error): void {
    this.#record('connect', failureOf(err));
  }

  tlsHandshakeStart(): void {
    this.#start = now();
  }

  tlsHandshakeDone(_state: TlsState | undefined, err?: Error): void {
    this.#record('tls', failureOf(err));
  }

  #record(phase: string, failure: Attributes | undefined): void {
    this.setup.record(this.#elapsed(), { ...this.server, [names.ATTR_PHASE]: phase, ...failure });
  }

  #elapsed(): number {
    return (now() - this.#start) / 1000;
  }
}

function failureOf(err: Error | undefined): Attributes | undefined {
  return err && { [names.ATTR_ERROR_TYPE]: errorType(err) };
}
