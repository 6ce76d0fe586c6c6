import type { Socket } from 'node:net';
import type { Connection } from './connection';
import type { Opening } from './probes/opening';
import { Returned } from './stamp';

/**
 * All that is remembered of a socket. In one place: what is put on a socket gives it another shape, for which V8 has to learn its way through all of
 * Node's code that handles sockets, and takes longer to be put there than to be kept.
 */
export class SocketMemory {
  connection: Connection | undefined = undefined;
  opening: Opening | undefined = undefined;
}

/** In a private field of the socket. A stamp, written out, because every request asks. */
class OfSocket extends Returned {
  readonly #memory: SocketMemory;

  private constructor(socket: Socket, memory: SocketMemory) {
    super(socket);
    this.#memory = memory;
  }

  static get(socket: Socket | OfSocket): SocketMemory | undefined {
    return #memory in socket ? socket.#memory : undefined;
  }

  static set(socket: Socket, memory: SocketMemory): SocketMemory {
    new OfSocket(socket, memory);
    return memory;
  }
}

/** What is remembered of a socket; undefined if nothing is. */
export function memoryOf(socket: Socket): SocketMemory | undefined {
  return OfSocket.get(socket);
}

/** The same, which begins now at the latest. */
export function memoryFor(socket: Socket): SocketMemory {
  return OfSocket.get(socket) ?? OfSocket.set(socket, new SocketMemory());
}
