import type { ClientTrace, DnsAddress } from '../clienttrace';
import { at, now } from '../clock';
import type { Resolution } from './lookups';
import type { Report } from './reports';

/** Whom it is reported to. */
interface Teller {
  tell(report: Report): void;
}

/** The lookup of a dial, from the question to the last of a burst of answers. */
export class LookupPhase {
  /** What is being looked up. */
  resolution: Resolution | undefined;
  /** When it began, as long as that is not reported. */
  private askedAt: number | undefined = now();
  private readonly addrs: DnsAddress[] = [];
  private answeredAt = 0;

  /** It is about to begin, unless Node refuses to make it: a port out of range, for example. */
  constructor(
    private readonly teller: Teller,
    resolution: Resolution,
  ) {
    this.resolution = resolution;
    resolution.follow();
  }

  /** It has begun. */
  start(): void {
    const { resolution, askedAt } = this;
    if (resolution === undefined || askedAt === undefined) return;
    this.askedAt = undefined;
    const { host } = resolution;
    at(askedAt, () => this.teller.tell((trace) => trace.dnsStart?.({ host })));
  }

  answered(addr: DnsAddress | undefined): void {
    this.start();
    if (addr !== undefined) this.addrs.push(addr);
    this.answeredAt = now();
  }

  /** Nothing more will be answered. */
  done(err?: Error): void {
    const resolution = this.resolution;
    if (resolution === undefined) return;
    this.resolution = undefined;
    // It never began.
    if (this.askedAt !== undefined) return;
    const addrs = this.addrs;
    const answered = this.answeredAt > 0;
    if (answered) resolution.answered();
    // Looked at when it is reported, which may be a little later: by then it is known whether others were given the answer, too.
    const done = (trace: ClientTrace) =>
      trace.dnsDone?.({ addrs, coalesced: answered && resolution.isCoalesced, ...(err && { err }) });
    at(this.answeredAt || now(), () => this.teller.tell(done));
  }

  /** It goes on, but not for this one. */
  endFor(trace: ClientTrace, err: Error): void {
    if (this.resolution !== undefined && this.askedAt === undefined)
      trace.dnsDone?.({ addrs: this.addrs, coalesced: false, err });
  }
}
