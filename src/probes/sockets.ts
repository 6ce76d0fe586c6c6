import { isIP, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { context } from '@opentelemetry/api';
import { at, now } from '../clock';
import { isMeasuring, type Server } from '../measuring';
import { stamp } from '../stamp';
import { isWanted } from '../tracing';
import { Dial, dialOf } from './dial';
import { asciiHost } from './hostport';
import { Resolution, resolveWithin } from './lookups';
import { guarded, patch } from './patch';
import { RoundTrip } from './roundtrip';
import { currentScope, type Scope, scopeOfDial } from './scope';

/** Watches `net` and `tls` for connections being made. */
export function dialProbe(): () => void {
  const undo = [
    patch(Socket.prototype, 'connect', (original, layer) => {
      const observe = guarded(beginDial);
      const begun = guarded(lookupBegun);
      return function connect(this: Socket) {
        const args = arguments as unknown as unknown[];
        if (!layer.active) return original.apply(this, args);
        observe.call(this, scopeOfDial(), args[0]);
        const resolution = resolutions.get(this);
        if (resolution === undefined) return original.apply(this, args);
        const result = resolveWithin(resolution, () => original.apply(this, args));
        begun.call(this);
        return result;
      };
    }),
    patch(TLSSocket.prototype, '_start', (original, layer) => {
      const observe = guarded(beginHandshake);
      return function _start(this: TLSSocket) {
        if (layer.active) observe.call(this, currentScope());
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
  readonly port?: number | string;
  readonly path?: string;
  readonly lookup?: unknown;
}

/** A call of `connect` that belongs to no request yet, and may never. */
const calls = stamp<Socket, { readonly path: string; readonly time: number }>();

/** Where the latest call of `connect` went; undefined for a path. */
const hops = stamp<Socket, Server | undefined>();

/** When a handshake began that belongs to no request yet. */
const handshakes = stamp<Socket, number>();

/** What the latest call of `connect` has to look up. */
const resolutions = stamp<Socket, Resolution | undefined>();

/** Where a socket was connected to, or the one below its TLS; undefined for a path, and when that was not seen. */
export function hopOf(socket: StartingTlsSocket): Server | undefined {
  return hops.get(socket) ?? (socket._parent && hopOf(socket._parent));
}

/** `net` calls `connect` with its normalized arguments as one array; others with options, a path, or port and host. */
function beginDial(this: Socket, scope: Scope | undefined, first: unknown): void {
  const options = (Array.isArray(first) ? first[0] : first) as ConnectOptions | null;
  resolutions.set(this, undefined);
  if (typeof options !== 'object' || options === null) return;
  const { path = '', host = 'localhost', port } = options;
  hops.set(this, path ? undefined : { host: asciiHost(host), port: Number(port) });
  resolutions.set(this, scope?.isResolved ? undefined : resolutionOf(this, options));
  if (scope?.owner === undefined && !scope?.claimable && scope?.server === undefined)
    beginUnowned(this, path, first);
  else if (dialOf(this)?.isOver !== false) {
    scope.latest = Dial.begin(this, scope.owner, scope);
    resolveFor(scope.latest);
  }
}

/** The connection of a program's own: it is left alone, unless it may become that of an http2 session. */
function beginUnowned(socket: Socket, path: string, first: unknown): void {
  calls.set(socket, { path, time: now() });
  if (isLikeGrpc(first) && isWanted(context.active()))
    Dial.begin(socket, undefined, { owner: undefined, claimable: true });
}

/** gRPC (`@grpc/grpc-js`) connects by itself, to an address it has looked up, and makes a session over the socket only then: `net.connect({ host, port }, callback)`. */
function isLikeGrpc(first: unknown): boolean {
  if (!Array.isArray(first) || typeof first[1] !== 'function') return false;
  const { host = '', port } = first[0] as ConnectOptions;
  return isIP(host) !== 0 && typeof port === 'number' && Object.keys(first[0]).length === 2;
}

/** `connect` has returned: Node had nothing against the options. */
function lookupBegun(this: Socket): void {
  dialOf(this)?.dnsStart();
}

function resolutionOf(socket: Socket, { path, host, lookup }: ConnectOptions): Resolution | undefined {
  if (path) return undefined;
  const name = asciiHost(host || 'localhost');
  if (isIP(name) !== 0) return undefined;
  const resolution = new Resolution(socket, name, typeof lookup === 'function');
  // A connection that nobody follows may be given the answer that a traced one has asked for.
  if (resolution.isCustom && RoundTrip.areRunning) socket.once('lookup', lookupAnswered);
  return resolution;
}

const lookupAnswered = guarded(function lookup(this: Socket) {
  resolutions.get(this)?.answered();
});

/** Whether a socket can be used already. */
export function isReady(socket: Socket): boolean {
  return !socket.connecting && (socket as { secureConnecting?: boolean }).secureConnecting !== true;
}

/**
 * The dial of a socket that is still connecting: of one that a request was given, or that one will be given.
 * Without an agent Node opens the socket and hands it over in one go: its `connect` was seen, but not whose it is.
 *
 * @param server - where it leads, if it is to be measured
 */
export function dialFor(
  socket: StartingTlsSocket,
  request: RoundTrip | undefined,
  server: Server | undefined,
): Dial {
  const dial = dialOf(socket);
  if (dial?.isOver === false) {
    // One that is only measured was begun for another request, which nobody follows.
    if (request !== undefined && dial.isUnclaimed) dial.claim(request);
    return dial;
  }
  const call = calls.get(socket);
  const handshake = handshakes.get(socket);
  if (!socket.connecting && handshake !== undefined) {
    const late = new Dial(socket, request, { owner: request, server });
    at(handshake, () => late.tlsHandshakeStart());
    return late;
  }
  // Dialled before the request was made, by the application or for another one, untraced and given up: this one only waits for it.
  const isOwn = request === undefined || call === undefined || call.time >= request.begunAt;
  const late = Dial.begin(socket, isOwn ? request : undefined, { owner: request, server });
  // A Unix socket's attempt is announced inside connect().
  if (call !== undefined && isOwn)
    at(call.time, () => {
      resolveFor(late);
      late.dnsStart();
      if (call.path) late.connectStart('unix', call.path);
    });
  return late;
}

function resolveFor(dial: Dial): void {
  const resolution = resolutions.get(dial.socket);
  if (resolution !== undefined) dial.resolve(resolution);
}

interface StartingTlsSocket extends Socket {
  readonly _parent?: StartingTlsSocket;
  readonly _tlsOptions?: { isServer?: boolean };
}

/** `_start` begins the handshake, over an own connection or a given one; on a socket that still connects it only postpones itself. */
function beginHandshake(this: StartingTlsSocket, scope: Scope | undefined): void {
  if (this.connecting || this._tlsOptions?.isServer) return;
  const dial = dialOf(this);
  if (dial?.isOver === false) return dial.tlsHandshakeStart();
  const parent = this._parent && dialOf(this._parent);
  const owner = scope?.owner ?? parent?.owner;
  const server = scope?.server ?? parent?.server;
  // The dial of a tunnel may be nobody's yet, and so is what goes on inside.
  const claimable = scope?.claimable === true || parent?.isUnclaimed === true;
  if (owner?.trace !== undefined || claimable || (server !== undefined && isMeasuring()))
    new Dial(this, owner, { owner, server, claimable }).tlsHandshakeStart();
  else handshakes.set(this, now());
}
