import { EventEmitter, errorMonitor } from 'node:events';
import type { Socket } from 'node:net';
import type { DnsAddress, Network } from '../clienttrace';
import { hostPort } from './hostport';
import { openingOf } from './opening';
import { guarded } from './patch';

// Not the socket's own, which sees to a Readable's flow first: it costs as much again.
const { on, prependListener, removeListener } = EventEmitter.prototype;

/**
 * The events of a socket while it is being made.
 *
 * A listener costs more than all that is done in it, so each is there only when its event can come, and is told on.
 */
export abstract class DialEvents {
  private connects = false;
  private looksUp = false;
  private attempts = false;
  private closes = false;

  constructor(
    readonly socket: Socket,
    readonly isTls: boolean,
  ) {}

  /** Whether anybody will still hear of it. */
  abstract readonly isHeard: boolean;
  abstract lookupFailed(err: Error): void;
  /** @returns how many addresses have been answered by now */
  abstract answered(addr: DnsAddress): number;
  abstract connectStart(network: Network, addr: string): void;
  abstract connectDone(err?: Error): void;
  abstract tlsHandshakeDone(): void;
  abstract ready(): void;
  abstract close(err: Error): void;

  /** Listens to what happens until the socket is connected, beside {@link listenToEnd}. */
  protected listenToConnect(): void {
    const { socket } = this;
    this.connects = true;
    this.looksUp = openingOf(socket)?.isNamed !== false;
    if (this.looksUp) on.call(socket, 'lookup', onLookup);
    on.call(socket, 'connectionAttempt', onAttempt);
    // Prepended: if the dial has begun already, TLS waits for the same event to start its handshake.
    prependListener.call(socket, 'connect', onConnect);
  }

  /** There are several addresses: an attempt may fail, and another one follow. What fails the only one fails the socket. */
  listenToAttempts(): void {
    if (this.attempts) return;
    this.attempts = true;
    on.call(this.socket, 'connectionAttemptFailed', onAttemptFailed);
    on.call(this.socket, 'connectionAttemptTimeout', onAttemptTimeout);
  }

  /** Listens to what ends a dial, well or not. */
  protected listenToEnd(): void {
    // Prepended, so that the request has its connection before the application hears that the socket is ready.
    if (this.isTls) prependListener.call(this.socket, 'secureConnect', onSecureConnect);
    on.call(this.socket, errorMonitor, onError);
    this.listenToClose(!this.isHeard);
  }

  /** @param isAlone - no request hears of a socket that is destroyed without an error, and closes the dial */
  protected listenToClose(isAlone: boolean): void {
    if (this.closes || !isAlone) return;
    this.closes = true;
    on.call(this.socket, 'close', onClose);
  }

  /** Takes all listeners back. */
  protected stopListening(): void {
    const { socket } = this;
    if (this.looksUp) removeListener.call(socket, 'lookup', onLookup);
    if (this.connects) {
      removeListener.call(socket, 'connectionAttempt', onAttempt);
      removeListener.call(socket, 'connect', onConnect);
    }
    if (this.attempts) {
      removeListener.call(socket, 'connectionAttemptFailed', onAttemptFailed);
      removeListener.call(socket, 'connectionAttemptTimeout', onAttemptTimeout);
    }
    if (this.isTls) removeListener.call(socket, 'secureConnect', onSecureConnect);
    removeListener.call(socket, errorMonitor, onError);
    if (this.closes) removeListener.call(socket, 'close', onClose);
  }
}

function dialOf(socket: Socket): DialEvents | undefined {
  return openingOf(socket)?.dial;
}

const onLookup = guarded(function lookup(this: Socket, err: Error | null, address: string, family: 4 | 6) {
  const dial = dialOf(this);
  if (err) dial?.lookupFailed(err);
  else if (dial !== undefined && dial.answered({ address, family }) > 1) dial.listenToAttempts();
});

const onAttempt = guarded(function connectionAttempt(
  this: Socket,
  address: string,
  port: number | undefined,
) {
  if (port === undefined) dialOf(this)?.connectStart('unix', address);
  else dialOf(this)?.connectStart('tcp', hostPort(address, port));
});

const onAttemptFailed = guarded(function connectionAttemptFailed(
  this: Socket,
  _address: string,
  _port: number,
  _family: number,
  err: Error,
) {
  dialOf(this)?.connectDone(err);
});

const onAttemptTimeout = guarded(function connectionAttemptTimeout(
  this: Socket,
  address: string,
  port: number,
) {
  // Node makes no error for an attempt it gives up in favour of the next address (autoSelectFamilyAttemptTimeout).
  const error = new Error(`connect ETIMEDOUT ${hostPort(address, port)}`);
  dialOf(this)?.connectDone(Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' }));
});

const onConnect = guarded(function connect(this: Socket) {
  const dial = dialOf(this);
  dial?.connectDone();
  if (dial?.isTls === false) dial.ready();
});

const onSecureConnect = guarded(function secureConnect(this: Socket) {
  const dial = dialOf(this);
  dial?.tlsHandshakeDone();
  dial?.ready();
});

const onError = guarded(function error(this: Socket, err: Error) {
  dialOf(this)?.close(err);
});

const onClose = guarded(function close(this: Socket) {
  const dial = dialOf(this);
  // Destroyed without an error: the request, if there is one, is about to fail with an error of its own, which closes the dial. That
  // `errored` is set all the same may be due to a write of TLS that was cancelled with it.
  if (dial?.isHeard === false) dial.close(this.errored ?? hangUp());
});

/** What Node tells a request whose socket is closed without an error. */
function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
