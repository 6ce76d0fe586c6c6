import type { Socket } from 'node:net';
import type { SpanContext } from '@opentelemetry/api';
import { type Stamp, stamp } from './stamp';

/**
 * What is remembered of a connection, for as long as its socket lives.
 *
 * It is kept for every connection that carries HTTP, also while no request is traced, so that a traced request on a connection that untraced ones
 * opened and used still tells the truth.
 */
export class Connection {
  static #lastId = 0;
  static #watch = 0;
  static readonly #of: Stamp<Socket, Connection> = stamp();

  /** Begins a new watch: what was remembered before may have changed unseen, and is no longer told. */
  static beginWatch(): void {
    Connection.#watch++;
  }

  /** The connection of a socket; a new record if this is the first that is heard of it. */
  static of(socket: Socket): Connection {
    let connection = Connection.#of.get(socket);
    if (connection === undefined) {
      connection = new Connection();
      Connection.#of.set(socket, connection);
    } else if (connection.#seenIn !== Connection.#watch) {
      connection.#seenIn = Connection.#watch;
      connection.counted = false;
      connection.idleSince = 0;
    }
    return connection;
  }

  #seenIn = Connection.#watch;
  /** Its number in this process, from 1. */
  readonly id = ++Connection.#lastId;
  /** How many requests it has carried, the present one included. */
  requestCount = 0;
  /** False when it carried requests while nobody counted, so that `requestCount` would be too small. */
  counted = true;
  /** How many requests are under way on it; counted where there can be several. */
  inUse = 0;
  /** When it was put into the pool, on the clock of `performance.now()`; 0 while in use, and when that is not known. */
  idleSince = 0;
  /** The span of the request that opened it, if that was traced. */
  openedBy: SpanContext | undefined;
}
