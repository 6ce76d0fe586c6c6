import type { ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { now } from '../clock';
import { Connection } from '../connection';
import { closed, isMeasuring, type Server, whileMeasuring, willMeasure } from '../measuring';
import { socketDestroyed } from './dialevents';
import { FirstHop, targetByHeader } from './firsthop';
import { isAskedAsNodes } from './nodeagent';
import { dialOf, openingOf, socketBelow } from './opening';
import { guarded, patch } from './patch';
import { leaveMeasuredScope } from './scope';

/**
 * Watches connections being closed, while somebody measures.
 *
 * Every `net.Socket` passes `_destroy` once, whoever or whatever closes it (20 to 26): a `'close'` listener on each socket would stay there while it is idle.
 */
export function closingProbe(): () => void {
  return whileMeasuring(() => {
    const undo = patch(Socket.prototype, '_destroy', (original, layer) => {
      const observe = guarded(destroyed);
      return function _destroy(this: Socket, err: Error | null) {
        if (layer.active) observe.call(this, err);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    });
    return () => {
      undo?.();
      Connection.forgetOpen();
    };
  });
}

function destroyed(this: Socket, err: Error | null): void {
  if (dialOf(this)?.isMeasuredOnly) socketDestroyed(this, err);
  const connection = Connection.close(this);
  // Of one that was opened before anybody measured it is not known for how long it has been open.
  if (connection !== undefined && connection.establishedAt > 0)
    closed(connection.server, now() - connection.establishedAt);
}

/** Where the connection leads that a request was given, if it is to be counted, and is not yet. */
export function toBeCounted(
  req: ClientRequest & { readonly agent?: unknown },
  socket: Socket,
  connection: Connection,
): Server | undefined {
  // Agents of other kinds may give away, within the scope of a new dial, a connection that they had.
  const { agent } = req;
  if (isMeasuring() && !isAskedAsNodes(agent)) leaveMeasuredScope();
  if (connection.server !== undefined) return undefined;
  const isNew = connection.requestCount === 1;
  if (!(isNew ? willMeasure() : isMeasuring())) return undefined;
  leaveMeasuredScope();
  const known = dialOf(socket)?.server;
  if (known !== undefined) return known;
  const { host, port } = targetByHeader(req);
  return new FirstHop(agent, req, { host, port: socket.remotePort ?? port });
}

/**
 * Counts a connection among the open ones, once it can be used.
 *
 * A tunnel through a proxy is one connection: it is counted by the socket that the request was given, and no longer by the one below, which
 * the `CONNECT` request had.
 *
 * @param server - where it leads, if its dial was not seen, which knows better
 */
export function countOpen(socket: Socket, connection: Connection, server: Server): void {
  const dial = dialOf(socket);
  connection.establishedAt ||= dial?.readyAt ?? 0;
  // Every net.Socket is seen closing, and whatever was seen connecting is one.
  connection.open(socket, dial?.server ?? server, openingOf(socket)?.host === undefined);
  for (let below = socketBelow(socket); below !== undefined; below = socketBelow(below))
    Connection.close(below);
}
