import type { Socket } from 'node:net';
import { memoryFor, memoryOf } from '../ofsocket';
import type { Dial } from './dial';
import type { Resolution } from './lookups';

/** What is remembered of a socket being opened. */
export class Opening {
  /** When `connect` was called for no request, or for one that it may belong to yet; 0 if it was not. */
  calledAt = 0;
  /** Where the latest call of `connect` went: a path, or host and port. */
  path = '';
  host: string | undefined = undefined;
  port: number | string | undefined = undefined;
  /** Whether the host is a name. */
  isNamed = true;
  /** What that has to look up, traced or not. */
  resolution: Resolution | undefined = undefined;
  /** When a handshake began that belongs to no request yet; 0 if none did. */
  handshakeAt = 0;
  /** The dial that made, or is making, the socket. */
  dial: Dial | undefined = undefined;
}

/** What is remembered of the socket; undefined if it was not seen being opened. */
export function openingOf(socket: Socket): Opening | undefined {
  return memoryOf(socket)?.opening;
}

/** The same, which begins now at the latest. */
export function openingFor(socket: Socket): Opening {
  const memory = memoryFor(socket);
  memory.opening ??= new Opening();
  return memory.opening;
}

/** The dial that made, or is making, a socket. */
export function dialOf(socket: Socket): Dial | undefined {
  return memoryOf(socket)?.opening?.dial;
}

/** The socket that TLS runs over, if it was given one: through a proxy, that of the tunnel. Node (20 to 26) has `null` where there is none. */
export function socketBelow(socket: Socket & { readonly _parent?: Socket | null }): Socket | undefined {
  return socket._parent ?? undefined;
}

/** The dials of a socket that are nobody's yet: there is one below that of the socket itself where it leads through a proxy. Those below first. */
export function unclaimedDials(socket: Socket): Dial[] {
  const parent = socketBelow(socket);
  const below = parent === undefined ? [] : unclaimedDials(parent);
  const dial = dialOf(socket);
  return dial?.isUnclaimed ? [...below, dial] : below;
}
