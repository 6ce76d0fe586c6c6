import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isBeingRead } from './body';
import { CLIENT_REQUEST, type Request } from './clientrequest';
import { watchParser } from './firstbyte';
import { onceFollowed } from './followed';
import { useSocket } from './givensocket';
import { wroteHeaders } from './head';
import { findLateSpan } from './latespan';
import { isNodeAgent } from './nodeagent';
import { failed, guarded, patch, undoAll } from './patch';
import { RoundTrip } from './roundtrip';
import { enterDials, leaveDials } from './scope';
import { isReady } from './sockets';

/** Watches the requests of `http` and `https`: the connection they are given and, of those that are followed, what is written and what comes back. */
export function http1Probe(): () => void {
  const undo = [
    patch(CLIENT_REQUEST, 'onSocket', (original, layer) => {
      return function onSocket(this: Request, socket: Socket | null, err: unknown) {
        if (!layer.active || !socket || err) return original.apply(this, arguments as unknown as unknown[]);
        try {
          useSocket(this, socket);
        } catch (error) {
          failed(useSocket, error);
        }
        if (isReady(socket))
          return arguments.length === 1
            ? original.call(this, socket)
            : original.apply(this, arguments as unknown as unknown[]);
        // 'socket' will be emitted in this asynchronous context: what its listeners open is none of the request's.
        const before = enterDials(undefined);
        try {
          return original.apply(this, arguments as unknown as unknown[]);
        } finally {
          leaveDials(before);
        }
      };
    }),
    onceFollowed('http', watchFollowed),
  ];
  return () => undoAll(undo);
}

function watchFollowed(): ((() => void) | undefined)[] {
  return [
    // Node hands everything to the stream in `_send`; without a socket it is kept there until 'socket'.
    patch(CLIENT_REQUEST, '_send', (original, layer) => {
      const observe = guarded(wroteHeaders);
      return function _send(this: Request) {
        const result = original.apply(this, arguments as unknown as unknown[]);
        const roundTrip = layer.active ? RoundTrip.of(this) : undefined;
        if (roundTrip?.hasConn && !roundTrip.hasWrittenHeaders) observe.call(this, roundTrip);
        return result;
      };
    }),
    // Seen here, events need no listener: a 'response' listener of ours would keep Node from discarding an unwanted body.
    patch(CLIENT_REQUEST, 'emit', (original, layer) => {
      return function emit(this: Request, event: string, value: unknown) {
        const roundTrip = layer.active ? RoundTrip.of(this) : undefined;
        if (roundTrip !== undefined)
          try {
            requestEvent(this, roundTrip, event, value);
          } catch (error) {
            failed(requestEvent, error);
          }
        // What most events have. V8 forwards an argument that has a name in a third of the instructions.
        if (arguments.length === 1) return original.call(this, event);
        if (arguments.length === 2) return original.call(this, event, value);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
    patch(IncomingMessage.prototype, 'emit', (original, layer) => {
      return function emit(this: Response, event: string, value: unknown) {
        if ((event === 'end' || event === 'error' || event === 'close') && layer.active)
          try {
            responseEvent(this, event, value);
          } catch (error) {
            failed(responseEvent, error);
          }
        if (arguments.length === 1) return original.call(this, event);
        if (arguments.length === 2) return original.call(this, event, value);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
  ];
}

function requestEvent(req: Request, roundTrip: RoundTrip, event: string, value: unknown): void {
  switch (event) {
    case 'socket':
      findLateSpan(req, roundTrip);
      watchParser(req.parser);
      return wroteHeaders.call(req, roundTrip);
    case 'finish':
      // Up to version 22 Node emits it for a write that failed or was cut off by an abort, too.
      if (req.destroyed) return;
      wroteHeaders.call(req, roundTrip);
      return roundTrip.wroteRequest(req.socket?.errored ?? undefined);
    case 'continue':
      return roundTrip.got100Continue();
    case 'information':
      return gotInformation(req, roundTrip, value as IncomingMessage);
    case 'upgrade':
    case 'connect':
      // The socket is the application's from here on.
      roundTrip.bodyEnd();
      return roundTrip.done();
    case 'error':
      return roundTrip.done(value as Error);
    case 'close':
      return requestClosed(req, roundTrip);
  }
}

function gotInformation(req: Request, roundTrip: RoundTrip, info: IncomingMessage): void {
  const result = roundTrip.trace?.got1xxResponse?.(info.statusCode ?? 0, info.headers);
  if (result instanceof Error) req.destroy(result);
}

/** Comes after everything else, but for the return of the socket to the pool, which follows at once, and a body that is still being read. */
function requestClosed(req: Request, roundTrip: RoundTrip): void {
  const { res, socket } = req;
  const willBeFreed =
    res?.complete &&
    socket?.destroyed === false &&
    isNodeAgent(req.agent) &&
    socket.listenerCount('free') > 0;
  if (willBeFreed || (res && isBeingRead(res))) return;
  // Without a connection, `abort()` is no error to Node, and the application hears of no other.
  const err = res ? res.errored : Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
  if (!err) roundTrip.bodyEnd();
  roundTrip.done(err ?? undefined);
}

interface Response extends IncomingMessage {
  readonly req?: Request & { readonly shouldKeepAlive?: boolean };
}

function responseEvent({ req }: Response, event: string, value: unknown): void {
  const roundTrip = req && RoundTrip.of(req);
  if (req === undefined || roundTrip === undefined) return;
  if (event === 'error') return roundTrip.done(value as Error);
  roundTrip.bodyEnd();
  // Nothing more will come: no pool takes the connection. Of a request that is closed nothing will be written either.
  if (req.closed || (event === 'end' && roundTrip.hasWrittenRequest && !req.shouldKeepAlive))
    roundTrip.done();
}
