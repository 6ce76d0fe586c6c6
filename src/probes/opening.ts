import type { Socket } from 'node:net';
import { Returned } from '../stamp';
import type { Dial } from './dial';
import type { Resolution } from './lookups';

/** What is remembered of a socket being opened: all in one, because it costs more to put something on a socket than to keep it there. */
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

/** Where it is remembered: in a private field of the socket. A stamp, written out, because every connection asks. */
class OfSocket extends Returned {
  readonly #opening: Opening;

  private constructor(socket: Socket, opening: Opening) {
    super(socket);
    this.#opening = opening;
  }

  static get(socket: Socket | OfSocket): Opening | undefined {
    return #opening in socket ? socket.#opening : undefined;
  }

  static set(socket: Socket, opening: Opening): Opening {
    new OfSocket(socket, opening);
    return opening;
  }
}

/** What is remembered of the socket; undefined if it was not seen being opened. */
export function openingOf(socket: Socket): Opening | undefined {
  return OfSocket.get(socket);
}

/** The same, which begins now at the latest. */
export function openingFor(socket: Socket): Opening {
  return OfSocket.get(socket) ?? OfSocket.set(socket, new Opening());
}

/** The dial that made, or is making, a socket. */
export function dialOf(socket: Socket): Dial | undefined {
  return OfSocket.get(socket)?.dial;
}
