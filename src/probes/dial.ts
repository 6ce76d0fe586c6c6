import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClientTrace, DnsAddress, Network } from '../clienttrace';
import { at, now } from '../clock';
import { type DialTrace, dialTrace, type Server } from '../measuring';
import { stamp } from '../stamp';
import { type Dialling, listenToConnect, listenToEnd, stopListening } from './dialevents';
import type { Resolution } from './lookups';
import type { OpenDial } from './opendials';
import type { RoundTrip } from './roundtrip';
import type { Scope } from './scope';
import { tlsState } from './tlsstate';

const dials = stamp<Socket, Dial>();

/** The dial that made, or is making, a socket. */
export function dialOf(socket: Socket): Dial | undefined {
  return dials.get(socket);
}

type Report = (trace: ClientTrace) => void;

/**
 * The making of one connection: DNS, attempts to connect, TLS.
 *
 * It reports to the request that caused it. While it is nobody's, its reports wait, with their times, for {@link Dial.claim}. It reports to those who measure
 * as well, whether or not there is such a request, and to them until it is over: an abandoned request may leave a connection behind for the next.
 */
export class Dial implements OpenDial, Dialling {
  #owner: RoundTrip | undefined;
  #waiting: { time: number; report: Report }[] | undefined = [];
  #onReady: (() => void) | undefined;
  #resolution: Resolution | undefined;
  #addrs: DnsAddress[] = [];
  #answeredAt = 0;
  #attempt: { network: Network; addr: string } | undefined;
  #handshake = false;
  #over = false;
  /** Why it failed. */
  failure: Error | undefined;
  #measure: DialTrace | undefined;
  #scope: Scope | undefined;
  readonly #isClaimable: boolean;
  /** Where it leads; known while somebody measures. */
  readonly server: Server | undefined;
  /** When the connection could be used, on the clock of `performance.now()`; 0 before, and if it failed. */
  readyAt = 0;

  /** Observes a socket that is about to connect, or already connects. */
  static begin(socket: Socket, owner: RoundTrip | undefined, scope?: Scope): Dial {
    const dial = new Dial(socket, owner, scope);
    listenToConnect(socket);
    return dial;
  }

  /** With nothing else, observes the TLS handshake over a socket that was made elsewhere. */
  constructor(
    readonly socket: Socket,
    owner: RoundTrip | undefined,
    scope?: Scope,
  ) {
    dials.set(socket, this);
    this.#scope = scope;
    this.#isClaimable = scope?.claimable === true;
    this.server = scope?.server;
    if (this.server !== undefined) this.#measure = dialTrace(this.server);
    if (owner !== undefined) this.claim(owner);
    listenToEnd(socket, this);
  }

  get owner(): RoundTrip | undefined {
    return this.#owner;
  }
  get isUnclaimed(): boolean {
    return this.#owner === undefined && this.#isClaimable;
  }
  get isHeard(): boolean {
    return this.#owner?.trace !== undefined;
  }
  get isOver(): boolean {
    return this.#over;
  }
  /** The lookup that is under way. */
  get resolution(): Resolution | undefined {
    return this.#resolution;
  }

  /** Gives a dial that is nobody's to a request, and tells it what has happened so far. */
  claim(owner: RoundTrip): void {
    if (this.#owner !== undefined) return;
    this.#owner = owner;
    if (!this.#over) owner.addDial(this);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { time, report } of waiting) at(time, () => this.#tell(report));
  }

  /** Calls back once, when the connection can be used; not if it fails. */
  whenReady(onReady: () => void): void {
    this.#onReady = onReady;
  }

  #tell(report: Report): void {
    if (this.#measure !== undefined) report(this.#measure);
    if (this.#waiting !== undefined) this.#waiting.push({ time: now(), report });
    else if (this.#owner?.trace !== undefined) report(this.#owner.trace);
  }

  dnsStart(resolution: Resolution): void {
    this.#resolution = resolution;
    resolution.follow();
    const { host } = resolution;
    this.#tell((trace) => trace.dnsStart?.({ host }));
  }

  answered(addr: DnsAddress | undefined): void {
    if (addr !== undefined) this.#addrs.push(addr);
    this.#answeredAt = now();
  }

  #dnsDone(err?: Error): void {
    const resolution = this.#resolution;
    if (resolution === undefined) return;
    this.#resolution = undefined;
    const answered = this.#answeredAt > 0;
    if (answered) resolution.end();
    const coalesced = answered && resolution.isCoalesced;
    const info = { addrs: this.#addrs, coalesced, ...(err && { err }) };
    at(this.#answeredAt || now(), () => this.#tell((trace) => trace.dnsDone?.(info)));
  }

  lookupFailed(err: Error): void {
    this.#answeredAt = now();
    this.#dnsDone(err);
  }

  connectStart(network: Network, addr: string): void {
    this.#dnsDone();
    this.#attempt = { network, addr };
    this.#tell((trace) => trace.connectStart?.(network, addr));
  }

  connectDone(err?: Error): void {
    if (this.#attempt === undefined) return;
    const { network, addr } = this.#attempt;
    this.#attempt = undefined;
    this.#tell((trace) => trace.connectDone?.(network, addr, err));
  }

  tlsHandshakeStart(): void {
    this.#handshake = true;
    this.#tell((trace) => trace.tlsHandshakeStart?.());
  }

  tlsHandshakeDone(err?: Error): void {
    if (!this.#handshake) return;
    this.#handshake = false;
    this.#tell((trace) =>
      trace.tlsHandshakeDone?.(err === undefined ? tlsState(this.socket as TLSSocket) : undefined, err),
    );
  }

  /** The connection can be used. */
  ready(): void {
    this.readyAt = now();
    this.#end();
    this.#onReady?.();
  }

  /** The dial has failed, or its request: whatever is open ends with the error. */
  close(err: Error): void {
    if (this.#over) return;
    // The request has failed, its dial has not.
    if (this.#measure !== undefined && !this.socket.destroyed) return this.#abandon(err);
    this.failure = err;
    this.#dnsDone(err);
    this.connectDone(err);
    this.tlsHandshakeDone(err);
    this.#end();
  }

  /** The request hears how what is open ended for it. */
  #abandon(err: Error): void {
    const trace = this.#owner?.trace;
    if (this.#resolution !== undefined) trace?.dnsDone?.({ addrs: this.#addrs, coalesced: false, err });
    if (this.#attempt !== undefined) trace?.connectDone?.(this.#attempt.network, this.#attempt.addr, err);
    if (this.#handshake) trace?.tlsHandshakeDone?.(undefined, err);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#measure = undefined;
    this.#waiting = undefined;
    stopListening(this.socket);
    // What the application opens in this asynchronous context from here on is nobody's dial.
    if (this.#scope !== undefined && this.#scope.owner === undefined) this.#scope.server = undefined;
    this.#scope = undefined;
  }
}
