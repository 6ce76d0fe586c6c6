import { AsyncLocalStorage } from 'node:async_hooks';
import { type EventEmitter, errorMonitor } from 'node:events';
import { isIP, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientTrace, DnsAddress, Network } from '../clienttrace';
import { at, now } from '../clock';
import { stamp } from '../stamp';
import { asciiHost, hostPort } from './hostport';
import { guarded, patch } from './patch';
import type { OpenDial, RoundTrip } from './roundtrip';
import { tlsState } from './tlsstate';

/** Whose sockets are being opened; claimable: nobody's yet, but an HTTP request will be given the socket. */
export interface Scope {
  owner: RoundTrip | undefined;
  readonly claimable?: boolean;
}

/** A key of its own: under the key of `withClientTrace` every socket the application opens would be reported. */
const scopes = new AsyncLocalStorage<Scope | undefined>();

/** Dials made here wait to be claimed by the request that is given the socket. */
const CLAIMABLE: Scope = { owner: undefined, claimable: true };

/**
 * From here to {@link leaveDials} sockets that are opened, also later in their asynchronous context, belong to `owner` until
 * {@link RoundTrip.leaveScope}; without one they are not observed, not even within another request's dial.
 *
 * No function is taken to be run within: some agents (agent-base) find out about https by the ten frames of a stack trace, so ours must be few.
 *
 * @returns what `leaveDials` must be given
 */
export function enterDials(owner: RoundTrip | 'claimable' | undefined): Scope | undefined {
  if (owner === 'claimable') return enter(CLAIMABLE);
  if (owner === undefined) return enter(undefined);
  owner.scope ??= { owner };
  return enter(owner.scope);
}

/** Back to what was before {@link enterDials}. */
export function leaveDials(before: Scope | undefined): void {
  enter(before);
}

function enter(scope: Scope | undefined): Scope | undefined {
  const before = scopes.getStore();
  if (before !== scope) scopes.enterWith(scope);
  return before;
}

/** Whose dial is running. */
export function dialOwner(): RoundTrip | undefined {
  const owner = scopes.getStore()?.owner;
  return owner?.trace === undefined ? undefined : owner;
}

const dials = stamp<Socket, Dial>();

/** The dial that made, or is making, a socket. */
export function dialOf(socket: Socket): Dial | undefined {
  return dials.get(socket);
}

type Report = (trace: ClientTrace) => void;

/**
 * The making of one connection: DNS, attempts to connect, TLS.
 *
 * It reports to the request that caused it. While it is nobody's, its reports wait, with their times, for {@link Dial.claim}.
 */
export class Dial implements OpenDial {
  #owner: RoundTrip | undefined;
  #waiting: { time: number; report: Report }[] | undefined = [];
  #onReady: (() => void) | undefined;
  #host: string | undefined;
  #addrs: DnsAddress[] = [];
  #answeredAt = 0;
  #attempt: { network: Network; addr: string } | undefined;
  #handshake = false;
  #over = false;

  /** Observes a socket that is about to connect, or already connects. */
  static begin(socket: Socket, owner: RoundTrip | undefined): Dial {
    const dial = new Dial(socket, owner);
    socket.on('lookup', onLookup);
    socket.on('connectionAttempt', onAttempt);
    socket.on('connectionAttemptFailed', onAttemptFailed);
    socket.on('connectionAttemptTimeout', onAttemptTimeout);
    // Prepended: if the dial has begun already, TLS waits for the same event to start its handshake.
    socket.prependListener('connect', onConnect);
    return dial;
  }

  /** With nothing else, observes the TLS handshake over a socket that was made elsewhere. */
  constructor(
    readonly socket: Socket,
    owner: RoundTrip | undefined,
  ) {
    dials.set(socket, this);
    if (owner !== undefined) this.claim(owner);
    // Prepended, so that the request has its connection before the application hears that the socket is ready.
    if (socket instanceof TLSSocket) socket.prependListener('secureConnect', onSecureConnect);
    (socket as EventEmitter).on(errorMonitor, onError);
    socket.on('close', onClose);
  }

  get owner(): RoundTrip | undefined {
    return this.#owner;
  }
  get isOver(): boolean {
    return this.#over;
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
    if (this.#waiting !== undefined) this.#waiting.push({ time: now(), report });
    else if (this.#owner?.trace !== undefined) report(this.#owner.trace);
  }

  dnsStart(host: string): void {
    this.#host = host;
    this.#tell((trace) => trace.dnsStart?.({ host }));
  }

  answered(addr: DnsAddress | undefined): void {
    if (addr !== undefined) this.#addrs.push(addr);
    this.#answeredAt = now();
  }

  #dnsDone(err?: Error): void {
    if (this.#host === undefined) return;
    this.#host = undefined;
    const info = { addrs: this.#addrs, coalesced: false, ...(err && { err }) };
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
    this.#end();
    this.#onReady?.();
  }

  /** The dial has failed: whatever is open ends with the error. */
  close(err: Error): void {
    if (this.#over) return;
    this.#dnsDone(err);
    this.connectDone(err);
    this.tlsHandshakeDone(err);
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    const { socket } = this;
    socket.off('lookup', onLookup);
    socket.off('connectionAttempt', onAttempt);
    socket.off('connectionAttemptFailed', onAttemptFailed);
    socket.off('connectionAttemptTimeout', onAttemptTimeout);
    socket.off('connect', onConnect);
    socket.off('secureConnect', onSecureConnect);
    (socket as EventEmitter).off(errorMonitor, onError);
    socket.off('close', onClose);
  }
}

const onLookup = guarded(function lookup(this: Socket, err: Error | null, address: string, family: 4 | 6) {
  if (err) dialOf(this)?.lookupFailed(err);
  else dialOf(this)?.answered({ address, family });
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
  if (!(this instanceof TLSSocket)) dial?.ready();
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
  // Destroyed without an error: the request, if there is one, is about to fail with an error of its own, which closes the dial.
  if (this.errored) dial?.close(this.errored);
  else if (dial?.owner?.trace === undefined) dial?.close(new Error('socket closed'));
});

/** Watches `net` and `tls` for connections being made. */
export function dialProbe(): () => void {
  const undo = [
    patch(Socket.prototype, 'connect', (original, layer) => {
      const observe = guarded(beginDial);
      return function connect(this: Socket) {
        if (layer.active) observe.call(this, scopes.getStore(), arguments[0], undefined, undefined);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
    patch(TLSSocket.prototype, '_start', (original, layer) => {
      const observe = guarded(beginHandshake);
      return function _start(this: TLSSocket) {
        if (layer.active) observe.call(this, scopes.getStore(), undefined, undefined, undefined);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
  ];
  return () => {
    for (const each of undo) each?.();
  };
}

interface ConnectOptions {
  readonly host?: string;
  readonly path?: string;
}

/** A call of `connect` that belongs to no request yet, and may never. */
const calls = stamp<Socket, { readonly options: ConnectOptions; readonly time: number }>();

/** `net` calls `connect` with its normalized arguments as one array; others with options, a path, or port and host. */
function beginDial(this: Socket, scope: Scope | undefined, first: unknown): void {
  const options = (Array.isArray(first) ? first[0] : first) as ConnectOptions | null;
  if (typeof options !== 'object' || options === null) return;
  if (scope?.owner === undefined && !scope?.claimable) calls.set(this, { options, time: now() });
  else if (dialOf(this)?.isOver !== false) startDial(Dial.begin(this, scope.owner), options);
}

/** When `connect` was called on a socket that belongs to no request yet. */
export function calledAt(socket: Socket): number | undefined {
  return calls.get(socket)?.time;
}

/**
 * The dial of a socket that a request was given while it was still connecting.
 * Without an agent Node opens the socket and hands it over in one go: its `connect` was seen, but not whose it is.
 */
export function dialFor(socket: Socket, request: RoundTrip): Dial {
  const dial = dialOf(socket);
  if (dial?.isOver === false) {
    dial.claim(request);
    return dial;
  }
  const late = Dial.begin(socket, request);
  const call = calls.get(socket);
  // A Unix socket's attempt is announced inside connect().
  if (call !== undefined)
    at(call.time, () => {
      startDial(late, call.options);
      if (call.options.path) late.connectStart('unix', call.options.path);
    });
  return late;
}

function startDial(dial: Dial, options: ConnectOptions): void {
  if (options.path) return;
  const host = asciiHost(options.host || 'localhost');
  if (isIP(host) === 0) dial.dnsStart(host);
}

interface StartingTlsSocket extends TLSSocket {
  readonly _parent?: Socket;
  readonly _tlsOptions?: { isServer?: boolean };
}

/** `_start` begins the handshake, over an own connection or a given one; on a socket that still connects it only postpones itself. */
function beginHandshake(this: StartingTlsSocket, scope: Scope | undefined): void {
  if (this.connecting || this._tlsOptions?.isServer) return;
  const dial = dialOf(this);
  if (dial?.isOver === false) return dial.tlsHandshakeStart();
  const parent = this._parent && dialOf(this._parent);
  const owner = scope?.owner ?? parent?.owner;
  if (owner?.trace !== undefined || scope?.claimable) new Dial(this, owner).tlsHandshakeStart();
}
