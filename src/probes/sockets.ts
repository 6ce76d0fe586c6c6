import { isIP, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { at, now } from '../clock';
import { isMeasuring, type Server } from '../measuring';
import { coalescesLookups, wantedContext } from '../tracing';
import { Dial } from './dial';
import { asciiHost, isAddress } from './hostport';
import { Resolution, resolveWithin } from './lookups';
import { dialOf, type Opening, openingFor, openingOf, socketBelow } from './opening';
import { guarded, patch, undoAll } from './patch';
import { RoundTrip } from './roundtrip';
import { currentScope, NOBODYS, type Scope, scopeOfDial } from './scope';

/** Watches `net` and `tls` for connections being made. */
export function dialProbe(): () => void {
  const undo = [
    patch(Socket.prototype, 'connect', (original, layer) => {
      const observe = guarded(beginDial);
      const begun = guarded(lookupBegun);
      return function connect(this: Socket, first: unknown) {
        const scope = layer.active ? scopeOfDial() : NOBODYS;
        const isWatched = layer.active && (scope !== NOBODYS || mayShareLookup(first));
        const resolution = isWatched ? observe.call(this, scope, first) : undefined;
        if (resolution === undefined) return original.apply(this, arguments as unknown as unknown[]);
        const result = resolveWithin(resolution, original, this, arguments as unknown as unknown[]);
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
  return () => undoAll(undo);
}

interface ConnectOptions {
  readonly host?: string;
  readonly port?: number | string;
  readonly path?: string;
  readonly lookup?: unknown;
}

/** `net` calls `connect` with its normalized arguments as one array; others with options, a path, or port and host. */
function optionsOf(first: unknown): ConnectOptions | undefined {
  const options: unknown = Array.isArray(first) ? first[0] : first;
  return typeof options === 'object' && options !== null ? options : undefined;
}

/** Whether a lookup might be shared with another one, which somebody follows. */
function mayShareLookup(first: unknown): boolean {
  return coalescesLookups() || typeof optionsOf(first)?.lookup === 'function';
}

/** Where a socket was connected to, or the one below its TLS; undefined for a path, and when that was not seen. */
export function hopOf(socket: Socket): Server | undefined {
  const { path = '', host, port } = openingOf(socket) ?? {};
  if (host !== undefined && !path) return { host: asciiHost(host), port: Number(port) };
  const below = socketBelow(socket);
  return below && hopOf(below);
}

/** @returns what is going to be looked up, if anything */
function beginDial(this: Socket, scope: Scope | undefined, first: unknown): Resolution | undefined {
  const options = optionsOf(first);
  const opening = openingFor(this);
  opening.resolution = undefined;
  if (options === undefined) return undefined;
  const { path = '', host = 'localhost', port } = options;
  opening.path = path;
  opening.host = host;
  opening.port = port;
  const name = asciiHost(host || 'localhost');
  opening.isNamed = !path && !isAddress(name);
  const isLookedUp = opening.isNamed && !scope?.isResolved;
  const resolution = isLookedUp ? resolutionOf(this, name, options.lookup) : undefined;
  opening.resolution = resolution;
  if (scope?.owner === undefined && !scope?.claimable && scope?.server === undefined)
    beginUnowned(this, opening, first);
  else if (opening.dial?.isOver !== false) {
    const dial = Dial.begin(this, scope.owner, scope);
    scope.latest = dial;
    if (resolution !== undefined) dial.resolve(resolution);
  }
  return resolution;
}

/** The connection of a program's own: it is left alone, unless it may become that of an http2 session. */
function beginUnowned(socket: Socket, opening: Opening, first: unknown): void {
  opening.calledAt = now();
  if (isLikeGrpc(first) && wantedContext() !== undefined)
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
  dialOf(this)?.lookup?.start();
}

function resolutionOf(socket: Socket, name: string, lookup: unknown): Resolution {
  const resolution = new Resolution(socket, name, typeof lookup === 'function');
  // A connection that nobody follows may be given the answer that a traced one has asked for.
  if (resolution.isCustom && RoundTrip.areRunning) socket.once('lookup', lookupAnswered);
  return resolution;
}

const lookupAnswered = guarded(function lookup(this: Socket) {
  openingOf(this)?.resolution?.answered();
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
 * @param isFirst - no other request was given the socket before
 */
export function dialFor(
  socket: Socket,
  request: RoundTrip | undefined,
  server: Server | undefined,
  isFirst = true,
): Dial {
  const dial = dialOf(socket);
  if (dial?.isOver === false) {
    // One that is only measured was begun for another request, which nobody follows.
    if (request !== undefined && dial.isUnclaimed) dial.claim(request);
    return dial;
  }
  const opening = openingOf(socket);
  const calledAt = opening?.calledAt ?? 0;
  if (!socket.connecting && opening !== undefined && opening.handshakeAt > 0) {
    const late = new Dial(socket, request, { owner: request, server });
    at(opening.handshakeAt, () => late.tlsHandshakeStart());
    return late;
  }
  // Dialled before the request was made, by the application or for another one, untraced and given up: this one only waits for it.
  const isOwn = request === undefined || (calledAt === 0 ? isFirst : calledAt >= request.begunAt);
  const late = Dial.begin(socket, isOwn ? request : undefined, { owner: request, server });
  // A Unix socket's attempt is announced inside connect().
  if (opening !== undefined && calledAt > 0 && isOwn)
    at(calledAt, () => {
      if (opening.resolution !== undefined) late.resolve(opening.resolution);
      late.lookup?.start();
      if (opening.path) late.connectStart('unix', opening.path);
    });
  return late;
}

interface StartingTlsSocket extends Socket {
  readonly _tlsOptions?: { isServer?: boolean };
}

/** `_start` begins the handshake, over an own connection or a given one; on a socket that still connects it only postpones itself. */
function beginHandshake(this: StartingTlsSocket, scope: Scope | undefined): void {
  if (this.connecting || this._tlsOptions?.isServer) return;
  const dial = dialOf(this);
  if (dial?.isOver === false) return dial.tlsHandshakeStart();
  const below = socketBelow(this);
  const parent = below && dialOf(below);
  const owner = scope?.owner ?? parent?.owner;
  const server = scope?.server ?? parent?.server;
  // The dial of a tunnel may be nobody's yet, and so is what goes on inside.
  const claimable = scope?.claimable === true || parent?.isUnclaimed === true;
  if (owner?.trace !== undefined || claimable || (server !== undefined && isMeasuring()))
    new Dial(this, owner, { owner, server, claimable }).tlsHandshakeStart();
  else openingFor(this).handshakeAt = now();
}
