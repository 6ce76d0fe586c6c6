import { isOurs } from '../both';
import type { ClientTrace } from '../clienttrace';
import { at, now } from '../clock';
import { guarded } from './patch';
import type { RoundTrip } from './roundtrip';

/** Calls a hook. */
export type Report = (trace: ClientTrace) => void;

interface Waiting {
  readonly time: number;
  readonly report: Report;
}

/** What is told of a dial: to the request that caused it, or kept, with the times, until it is known whose it is. */
export class Reports {
  /** Whether reports have to wait; those that do. */
  private isWaiting: boolean;
  private waiting: Waiting[] | undefined = undefined;

  constructor(public owner: RoundTrip | undefined) {
    this.isWaiting = owner === undefined;
  }

  /** It is this request's, which is told what has happened so far. */
  claim(owner: RoundTrip): void {
    this.owner = owner;
    this.tellWaiting();
  }

  tell(report: Report): void {
    if (!this.isWaiting) {
      const trace = this.owner?.trace;
      if (trace !== undefined) report(trace);
    } else if (this.waiting === undefined) this.waiting = [{ time: now(), report }];
    else this.waiting.push({ time: now(), report });
  }

  /** Has reports wait for the end of whatever is on the stack. */
  holdBack(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    process.nextTick(tellWaiting, this);
  }

  /** The same, unless all hooks are ours, which do nothing to a socket. */
  holdBackFromHooks(): void {
    const trace = this.owner?.trace;
    if (trace === undefined || !isOurs(trace)) this.holdBack();
  }

  /** Tells the request, if it is known, what has been waiting. */
  tellWaiting(): void {
    const { owner, waiting } = this;
    if (owner === undefined || !this.isWaiting) return;
    this.isWaiting = false;
    if (waiting === undefined) return;
    this.waiting = undefined;
    for (const { time, report } of waiting) at(time, () => owner.trace && report(owner.trace));
  }

  /** Nobody will claim it. */
  drop(): void {
    this.tellWaiting();
    this.isWaiting = false;
    this.waiting = undefined;
  }

  /** The request it was told to is over. */
  forget(): void {
    this.drop();
    this.owner = undefined;
  }
}

const tellWaiting = guarded((reports: Reports) => reports.tellWaiting());
