import { type EventEmitter, errorMonitor } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DnsAddress, Network } from '../clienttrace';
import { stamp } from '../stamp';
import { hostPort } from './hostport';
import { guarded } from './patch';

/** What is told of the events of a socket while it is being made. */
export interface Dialling {
  /** Whether anybody will still hear of it. */
  readonly isHeard: boolean;
  lookupFailed(err: Error): void;
  answered(addr: DnsAddress): void;
  connectStart(network: Network, addr: string): void;
  connectDone(err?: Error): void;
  tlsHandshakeDone(): void;
  ready(): void;
  close(err: Error): void;
}

const diallings = stamp<Socket, Dialling>();

/** Listens to what happens until the socket is connected, beside {@link listenToEnd}. */
export function listenToConnect(socket: Socket): void {
  socket.on('lookup', onLookup);
  socket.on('connectionAttempt', onAttempt);
  socket.on('connectionAttemptFailed', onAttemptFailed);
  socket.on('connectionAttemptTimeout', onAttemptTimeout);
  // Prepended: if the dial has begun already, TLS waits for the same event to start its handshake.
  socket.prependListener('connect', onConnect);
}

/** Listens to what ends a dial, well or not. */
export function listenToEnd(socket: Socket, dialling: Dialling): void {
  diallings.set(socket, dialling);
  // Prepended, so that the request has its connection before the application hears that the socket is ready.
  if (socket instanceof TLSSocket) socket.prependListener('secureConnect', onSecureConnect);
  (socket as EventEmitter).on(errorMonitor, onError);
  socket.on('close', onClose);
}

/** Takes all listeners back. */
export function stopListening(socket: Socket): void {
  socket.off('lookup', onLookup);
  socket.off('connectionAttempt', onAttempt);
  socket.off('connectionAttemptFailed', onAttemptFailed);
  socket.off('connectionAttemptTimeout', onAttemptTimeout);
  socket.off('connect', onConnect);
  socket.off('secureConnect', onSecureConnect);
  (socket as EventEmitter).off(errorMonitor, onError);
  socket.off('close', onClose);
}

const onLookup = guarded(function lookup(this: Socket, err: Error | null, address: string, family: 4 | 6) {
  if (err) diallings.get(this)?.lookupFailed(err);
  else diallings.get(this)?.answered({ address, family });
});

const onAttempt = guarded(function connectionAttempt(
  this: Socket,
  address: string,
  port: number | undefined,
) {
  if (port === undefined) diallings.get(this)?.connectStart('unix', address);
  else diallings.get(this)?.connectStart('tcp', hostPort(address, port));
});

const onAttemptFailed = guarded(function connectionAttemptFailed(
  this: Socket,
  _address: string,
  _port: number,
  _family: number,
  err: Error,
) {
  diallings.get(this)?.connectDone(err);
});

const onAttemptTimeout = guarded(function connectionAttemptTimeout(
  this: Socket,
  address: string,
  port: number,
) {
  // Node makes no error for an attempt it gives up in favour of the next address (autoSelectFamilyAttemptTimeout).
  const error = new Error(`connect ETIMEDOUT ${hostPort(address, port)}`);
  diallings.get(this)?.connectDone(Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' }));
});

const onConnect = guarded(function connect(this: Socket) {
  const dial = diallings.get(this);
  dial?.connectDone();
  if (!(this instanceof TLSSocket)) dial?.ready();
});

const onSecureConnect = guarded(function secureConnect(this: Socket) {
  const dial = diallings.get(this);
  dial?.tlsHandshakeDone();
  dial?.ready();
});

const onError = guarded(function error(this: Socket, err: Error) {
  diallings.get(this)?.close(err);
});

const onClose = guarded(function close(this: Socket) {
  const dial = diallings.get(this);
  // Destroyed without an error: the request, if there is one, is about to fail with an error of its own, which closes the dial. That
  // `errored` is set all the same may be due to a write of TLS that was cancelled with it.
  if (dial?.isHeard === false) dial.close(this.errored ?? hangUp());
});

/** What Node tells a request whose socket is closed without an error. */
function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
