import type { Socket } from 'node:net';
import type { SpanContext } from '@opentelemetry/api';
import type { Server } from './measuring';
import { memoryFor, memoryOf } from './ofsocket';

let lastId = 0;
let watch = 0;
const open = new Set<Connection>();
let tidyAt = 1_000;

/**
 * What is remembered of a connection, for as long as its socket lives.
 *
 * It is kept for every connection that carries HTTP, also while no request is traced, so that a traced request on a connection that untraced ones
 * opened and used still tells the truth.
 */
export class Connection {
  /** Begins a new watch: what was remembered before may have changed unseen, and is no longer told. */
  static beginWatch(): void {
    watch++;
  }

  /** The connection of a socket; a new record if this is the first that is heard of it. */
  static of(socket: Socket): Connection {
    const memory = memoryFor(socket);
    let { connection } = memory;
    if (connection === undefined) {
      connection = new Connection();
      memory.connection = connection;
    } else if (connection.seenIn !== watch) {
      connection.seenIn = watch;
      connection.counted = false;
      connection.idleSince = 0;
    }
    return connection;
  }

  // Not private fields: until TurboFan compiles it, V8 takes a hundred instructions to define each of them.
  private seenIn = watch;
  private leadsTo: Server | undefined = undefined;
  /** Of one that may close unseen (it is no `net.Socket`). Weak: it is not kept from being collected. */
  private socket: WeakRef<Socket> | undefined = undefined;
  /** Its number in this process, from 1. */
  readonly id = ++lastId;
  /** How many requests it has carried, the present one included. */
  requestCount = 0;
  /** Whether the last that was counted has it, and has not given it back. */
  isGiven = false;
  /** Up to Node 22 a connection that was handed over still names its former request, this one, until the new one begins to use it. */
  formerUser: object | undefined = undefined;
  /** False when it carried requests while nobody counted, so that `requestCount` would be too small. */
  counted = true;
  /** How many requests are under way on it; counted where there can be several. */
  inUse = 0;
  /** When it was put into the pool, on the clock of `performance.now()`; 0 while in use, and when that is not known. */
  idleSince = 0;
  /** When it could be used, on that clock; 0 if that was not seen. */
  establishedAt = 0;
  /** The span of the request that opened it, if that was traced. */
  openedBy: SpanContext | undefined = undefined;

  /** Where it leads; known while it is counted among the open ones, which it is only while somebody measures. */
  get server(): Server | undefined {
    return this.leadsTo;
  }

  /**
   * From now on it is among the open ones.
   * @param mayCloseUnseen - nobody is sure to call {@link Connection.close}
   */
  open(socket: Socket, server: Server, mayCloseUnseen: boolean): void {
    this.leadsTo = server;
    if (mayCloseUnseen) this.socket = new WeakRef(socket);
    open.add(this);
    // In case nobody asks, from time to time.
    if (open.size >= tidyAt) tidyAt = Math.max(1_000, 2 * [...Connection.allOpen()].length);
  }

  /** The connection of a socket that was among the open ones, and no longer is. */
  static close(socket: Socket): { server: Server; establishedAt: number } | undefined {
    const connection = memoryOf(socket)?.connection;
    const server = connection?.leadsTo;
    if (connection === undefined || server === undefined) return undefined;
    connection.forget();
    return { server, establishedAt: connection.establishedAt };
  }

  /** How many are thought to be open. */
  static get openCount(): number {
    return open.size;
  }

  /** Those that are open. */
  static *allOpen(): Generator<{ readonly server: Server; readonly isIdle: boolean }> {
    for (const connection of open) {
      const server = connection.leadsTo;
      const ref = connection.socket;
      if (server === undefined || (ref !== undefined && ref.deref()?.destroyed !== false))
        connection.forget();
      else yield { server, isIdle: connection.idleSince > 0 };
    }
  }

  /** Nobody measures any more. */
  static forgetOpen(): void {
    for (const connection of open) connection.forget();
  }

  private forget(): void {
    this.leadsTo = undefined;
    this.socket = undefined;
    open.delete(this);
  }
}
