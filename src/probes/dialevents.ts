import { EventEmitter, errorMonitor } from 'node:events';
import type { Socket } from 'node:net';
import type { Network } from '../clienttrace';
import { hostPort, lastHostPort } from './hostport';
import type { LookupPhase } from './lookupphase';
import { dialOf } from './opening';
import { failed, guarded } from './patch';

// Not the socket's own, which sees to a Readable's flow first: it costs as much again.
const { on, prependListener, removeListener } = EventEmitter.prototype;

/** What is told of the events of a socket while it is being made. */
export interface Dialling {
  readonly socket: Socket;
  readonly isTls: boolean;
  /** Which listeners of ours the socket has. */
  listening: number;
  /** How many addresses its lookup was answered. */
  answers: number;
  /** Begun for nobody but those who measure, and they see by themselves that a socket is closed, and why: {@link socketDestroyed} is called. */
  readonly isMeasuredOnly: boolean;
  readonly isOver: boolean;
  /** Whether anybody will still hear of it. */
  readonly isHeard: boolean;
  readonly lookup: LookupPhase | undefined;
  lookupFailed(err: Error): void;
  connectStart(network: Network, addr: string): void;
  connectDone(err?: Error): void;
  tlsHandshakeDone(): void;
  ready(): void;
  close(err: Error): void;
}

// A listener costs more than all that is done in it: each is there only if its event can come, and is told on.
const CONNECT = 1;
const LOOKUP = 2;
const ATTEMPTS = 4;
const CLOSE = 8;
const ERROR = 16;

/**
 * Listens to what happens until the socket is connected, beside {@link listenToEnd}.
 * @param isNamed - a name is to be looked up
 */
export function listenToConnect(dialling: Dialling, isNamed: boolean): void {
  const { socket } = dialling;
  dialling.listening |= isNamed ? CONNECT | LOOKUP : CONNECT;
  if (isNamed) on.call(socket, 'lookup', onLookup);
  on.call(socket, 'connectionAttempt', onAttempt);
  // Prepended: if the dial has begun already, TLS waits for the same event to start its handshake.
  prependListener.call(socket, 'connect', onConnect);
}

/** There are several addresses: an attempt may fail, and another one follow. What fails the only one fails the socket. */
function listenToAttempts(dialling: Dialling): void {
  if (dialling.listening & ATTEMPTS) return;
  dialling.listening |= ATTEMPTS;
  on.call(dialling.socket, 'connectionAttemptFailed', onAttemptFailed);
  on.call(dialling.socket, 'connectionAttemptTimeout', onAttemptTimeout);
}

/**
 * Listens to what ends a dial, well or not.
 * @param failsWithRequest - a request that hears of it hears of every error of the socket, too, and then closes the dial
 */
export function listenToEnd(dialling: Dialling, failsWithRequest: boolean): void {
  const { socket } = dialling;
  // Prepended, so that the request has its connection before the application hears that the socket is ready.
  if (dialling.isTls) prependListener.call(socket, 'secureConnect', onSecureConnect);
  if (dialling.isMeasuredOnly) return;
  if (!dialling.isHeard) listenToClose(dialling);
  else if (failsWithRequest) return;
  dialling.listening |= ERROR;
  on.call(socket, errorMonitor, onError);
}

/** For those that have no request which hears of a socket that is destroyed without an error, and closes the dial. */
export function listenToClose(dialling: Dialling): void {
  if (dialling.listening & CLOSE) return;
  dialling.listening |= CLOSE;
  on.call(dialling.socket, 'close', onClose);
}

/** Takes all listeners back. */
export function stopListening(dialling: Dialling): void {
  const { socket, listening } = dialling;
  if (listening & LOOKUP) removeListener.call(socket, 'lookup', onLookup);
  if (listening & CONNECT) {
    removeListener.call(socket, 'connectionAttempt', onAttempt);
    removeListener.call(socket, 'connect', onConnect);
  }
  if (listening & ATTEMPTS) {
    removeListener.call(socket, 'connectionAttemptFailed', onAttemptFailed);
    removeListener.call(socket, 'connectionAttemptTimeout', onAttemptTimeout);
  }
  if (dialling.isTls) removeListener.call(socket, 'secureConnect', onSecureConnect);
  if (listening & ERROR) removeListener.call(socket, errorMonitor, onError);
  if (listening & CLOSE) removeListener.call(socket, 'close', onClose);
}

const onLookup = guarded(function lookup(this: Socket, err: Error | null, address: string, family: 4 | 6) {
  const dial = dialOf(this);
  if (dial === undefined) return;
  if (err) return dial.lookupFailed(err);
  dial.lookup?.answered({ address, family });
  if (++dial.answers > 1) listenToAttempts(dial);
});

// These two come with every connection, and so have a `try` of their own, see `guarded`.
function onAttempt(this: Socket, address: string, port: number | undefined): void {
  try {
    if (port === undefined) dialOf(this)?.connectStart('unix', address);
    else dialOf(this)?.connectStart('tcp', addrOf(address, port));
  } catch (error) {
    failed(onAttempt, error);
  }
}

function onConnect(this: Socket): void {
  try {
    const dial = dialOf(this);
    dial?.connectDone();
    if (dial?.isTls === false) dial.ready();
  } catch (error) {
    failed(onConnect, error);
  }
}

const addrOf = lastHostPort();

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

const onSecureConnect = guarded(function secureConnect(this: Socket) {
  const dial = dialOf(this);
  dial?.tlsHandshakeDone();
  dial?.ready();
});

const onError = guarded(function error(this: Socket, err: Error) {
  dialOf(this)?.close(err);
});

const onClose = guarded(function close(this: Socket) {
  socketDestroyed(this, null);
});

/**
 * Without an error, the request, if there is one, is about to fail with an error of its own, which closes the dial. That `errored` is set all the same may be due
 * to a write of TLS that was cancelled with it.
 */
export function socketDestroyed(socket: Socket, err: Error | null): void {
  const dial = dialOf(socket);
  if (dial === undefined || dial.isOver) return;
  if (err || !dial.isHeard) dial.close(err ?? socket.errored ?? hangUp());
}

/** What Node tells a request whose socket is closed without an error. */
function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
