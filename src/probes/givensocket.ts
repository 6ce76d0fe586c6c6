import type { Socket } from 'node:net';
import { context } from '../api';
import { at, now } from '../clock';
import { Connection } from '../connection';
import { isMeasuring, type Server } from '../measuring';
import { isWanted } from '../tracing';
import type { Request } from './clientrequest';
import { targetByHeader } from './firsthop';
import { makingOf, wasAsked } from './foreign';
import { wroteHeaders } from './head';
import { isNodeAgent } from './nodeagent';
import { countOpen, toBeCounted } from './openconnections';
import { leaveQueue } from './queue';
import { RoundTrip } from './roundtrip';
import { dialFor, isReady } from './sockets';
import { tunnelledFor } from './tunnel';

/** A socket is given to a request: maybe an idle one, maybe one that is still connecting. */
export function useSocket(req: Request, socket: Socket): void {
  leaveQueue(req);
  // Aborted in the queue: it is given the socket only to hand it on. A tunnel is a new connection for the request it is made for.
  if (req.destroyed || tunnelledFor(req) !== undefined) return;
  const connection = Connection.of(socket);
  const { idleSince } = connection;
  if (connection.requestCount === 0 && req.reusedSocket) connection.counted = false;
  const reused = connection.requestCount > 0 || req.reusedSocket;
  connection.requestCount++;
  connection.isGiven = true;
  connection.idleSince = 0;
  const roundTrip = RoundTrip.of(req) ?? (isNodeAgent(req.agent) ? undefined : beginLate(req));
  // A connection is counted when it is new, or when somebody has begun to measure since.
  const server =
    connection.requestCount > 1 && !isMeasuring() ? undefined : toBeCounted(req, socket, connection);
  // An application may hand over a socket that is dead: nothing will ever come of it.
  if ((roundTrip === undefined && server === undefined) || socket.destroyed) return;
  if (!isReady(socket)) return useWhenReady(req, socket, connection, roundTrip, server, reused, idleSince);
  if (server !== undefined) countOpen(socket, connection, server);
  roundTrip?.gotConn(socket, connection, reused, idleSince > 0 || req.reusedSocket, idleSince);
}

/** A function of its own: what a closure refers to is put on the heap as soon as its function is called. */
function useWhenReady(
  req: Request,
  socket: Socket,
  connection: Connection,
  roundTrip: RoundTrip | undefined,
  server: Server | undefined,
  reused: boolean,
  idleSince: number,
): void {
  // From Node 24 on the pool takes connections that are not made yet: whoever takes them out had no part in it.
  const dialler = req.reusedSocket ? undefined : roundTrip;
  dialFor(socket, dialler, server, connection.requestCount === 1).whenReady(roundTrip, () => {
    if (server !== undefined) countOpen(socket, connection, server);
    if (roundTrip === undefined) return;
    roundTrip.gotConn(socket, connection, reused, idleSince > 0 || req.reusedSocket, idleSince);
    wroteHeaders.call(req, roundTrip);
    // A socket that is not Node's may take all of a request before it is connected (nock, msw).
    if (req.writableFinished) roundTrip.wroteRequest();
  });
}

/** Without an agent, or with one that cannot be watched, a request is first seen when it is given its socket. */
function beginLate(req: Request): RoundTrip | undefined {
  if (wasAsked(req)) return undefined;
  const { ctx, time } = makingOf(req) ?? { ctx: context.active(), time: now() };
  if (!isWanted(ctx)) return undefined;
  return at(time, () => RoundTrip.begin(req, ctx, 'http', targetByHeader(req)));
}
