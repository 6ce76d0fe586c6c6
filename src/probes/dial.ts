import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Network } from '../clienttrace';
import { now } from '../clock';
import { type DialTrace, dialTrace, type Server } from '../measuring';
import { type Dialling, listenToClose, listenToConnect, listenToEnd, stopListening } from './dialevents';
import { LookupPhase } from './lookupphase';
import type { Resolution } from './lookups';
import type { OpenDial } from './opendials';
import { openingFor } from './opening';
import { type Report, Reports } from './reports';
import type { RoundTrip } from './roundtrip';
import type { Scope } from './scope';
import { isTls, tlsState } from './tlsstate';

/**
 * The making of one connection: DNS, attempts to connect, TLS.
 *
 * It reports to the request that caused it. While it is nobody's, its reports wait, with their times, for {@link Dial.claim}. It reports to those who measure
 * as well, whether or not there is such a request, and to them until it is over: an abandoned request may leave a connection behind for the next.
 */
export class Dial implements OpenDial, Dialling {
  private readonly reports: Reports;
  private onReady: (() => void) | undefined = undefined;
  private user: RoundTrip | undefined = undefined;
  private network: Network = 'tcp';
  /** Of the attempt that is under way. */
  private addr: string | undefined = undefined;
  private handshake = false;
  private isKept: boolean;
  private measure: DialTrace | undefined = undefined;
  private scope: Scope | undefined;
  readonly socket: Socket;
  readonly isTls: boolean;
  readonly isMeasuredOnly: boolean;
  lookup: LookupPhase | undefined = undefined;
  listening = 0;
  answers = 0;
  isOver = false;
  failure: Error | undefined = undefined;
  /** Where it leads; known while somebody measures. */
  readonly server: Server | undefined;
  /** When the connection could be used, on the clock of `performance.now()`; 0 before, and if it failed. */
  readyAt = 0;

  /** Observes a socket that is about to connect, or already connects. */
  static begin(socket: Socket, owner: RoundTrip | undefined, scope?: Scope): Dial {
    const dial = new Dial(socket, owner, scope);
    listenToConnect(dial, openingFor(socket).isNamed);
    return dial;
  }

  /** With nothing else, observes the TLS handshake over a socket that was made elsewhere. */
  constructor(socket: Socket, owner: RoundTrip | undefined, scope?: Scope) {
    this.socket = socket;
    const opening = openingFor(socket);
    opening.dial = this;
    this.isTls = isTls(socket);
    this.scope = scope;
    this.isKept = scope?.claimable === true;
    this.server = scope?.server;
    this.reports = new Reports(owner);
    owner?.addDial(this);
    if (this.server !== undefined) this.measure = dialTrace(this.server);
    this.isMeasuredOnly = this.measure !== undefined && !owner && !this.isKept && opening.host !== undefined;
    listenToEnd(this, scope?.failsWithRequest === true && this.measure === undefined);
  }

  get owner(): RoundTrip | undefined {
    return this.reports.owner;
  }
  get isUnclaimed(): boolean {
    return this.owner === undefined && this.isKept;
  }
  get isHeard(): boolean {
    return this.owner?.trace !== undefined;
  }

  /** Gives a dial that is nobody's to a request, and tells it what has happened so far. */
  claim(owner: RoundTrip): void {
    if (this.owner !== undefined) return;
    this.reports.claim(owner);
    if (this.isOver) this.forget();
    else owner.addDial(this);
  }

  /** Whether reports wait for {@link claim} even when it is over. */
  keep(isKept: boolean): void {
    this.isKept = isKept;
    if (this.isOver && !isKept) this.reports.drop();
  }

  /** Calls back once, when the connection can be used. The latest to ask is who will use it. */
  whenReady(user: RoundTrip | undefined, onReady: () => void): void {
    this.user = user;
    this.onReady = onReady;
  }

  /** Tells those who measure, and the request, which may have to wait. */
  tell(report: Report): void {
    if (this.measure !== undefined) report(this.measure);
    this.reports.tell(report);
  }

  resolve(resolution: Resolution): void {
    this.lookup = new LookupPhase(this, resolution);
  }

  lookupFailed(err: Error): void {
    this.reports.holdBack(); // Others who share the failure are about to hear of it.
    this.lookup?.answered(undefined);
    this.lookup?.done(err);
  }

  connectStart(network: Network, addr: string): void {
    // A lookup function that answers twice has Node connect twice, the second time in vain.
    if (this.addr !== undefined) return;
    // Node (20 to 26) crashes when a socket is destroyed in this very event: hooks may do that, and are told right after.
    this.reports.holdBackFromHooks();
    this.lookup?.done();
    this.network = network;
    this.addr = addr;
    this.tell((trace) => trace.connectStart?.(network, addr));
  }

  connectDone(err?: Error): void {
    const { network, addr } = this;
    if (addr === undefined) return;
    this.addr = undefined;
    this.tell((trace) => trace.connectDone?.(network, addr, err));
  }

  tlsHandshakeStart(): void {
    this.handshake = true;
    this.tell((trace) => trace.tlsHandshakeStart?.());
  }

  tlsHandshakeDone(err?: Error): void {
    if (!this.handshake) return;
    this.handshake = false;
    this.tell((trace) =>
      trace.tlsHandshakeDone?.(err === undefined ? tlsState(this.socket as TLSSocket) : undefined, err),
    );
  }

  /** The connection can be used. */
  ready(): void {
    // Open only if the application has removed our listeners.
    this.lookup?.done();
    this.connectDone();
    this.tlsHandshakeDone();
    this.readyAt = now();
    const onReady = this.onReady;
    this.end();
    onReady?.();
  }

  /** The dial has failed: whatever is open ends with the error. */
  close(err: Error): void {
    if (this.isOver) return;
    this.failure = err;
    this.lookup?.done(err);
    this.connectDone(err);
    this.tlsHandshakeDone(err);
    this.end();
  }

  /** Its request is over, and hears that what is open ended with it. The connection may have been handed on, unfinished, to another one that waits for it. */
  abandon(err: Error): void {
    if (this.socket.destroyed) return this.close(err);
    this.reports.tellWaiting();
    const trace = this.owner?.trace;
    if (trace !== undefined) this.lookup?.endFor(trace, err);
    if (this.addr !== undefined) trace?.connectDone?.(this.network, this.addr, err);
    if (this.handshake) trace?.tlsHandshakeDone?.(undefined, err);
    if (this.measure === undefined && (this.user === undefined || this.user === this.owner)) this.end();
    else listenToClose(this);
  }

  /** Its request is over, and is told nothing more: as long as the socket lives it must not keep the request, and all that hangs on it, from being collected. */
  forget(): void {
    this.reports.forget();
    this.isKept = false;
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.measure = undefined;
    this.lookup = undefined;
    this.user = undefined;
    this.onReady = undefined;
    if (this.isKept) this.reports.tellWaiting();
    else this.reports.drop();
    stopListening(this);
    // What the application opens in this asynchronous context from here on is nobody's dial.
    if (this.scope !== undefined && this.scope.owner === undefined) this.scope.server = undefined;
    this.scope = undefined;
  }
}
