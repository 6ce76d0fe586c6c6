import type { Socket } from 'node:net';
import { now } from '../clock';
import { Connection } from '../connection';
import { isMeasuring } from '../measuring';
import { stamp } from '../stamp';
import { countOpen } from './openconnections';
import { dialOf } from './opening';
import { guarded } from './patch';
import { RoundTrip } from './roundtrip';
import type { UndiciCopies } from './undicicopies';
import type { UndiciDials } from './undicidials';
import { tellsOfSending } from './undicih2';
import { hasBody, headerFields, incomingHeaders, targetOf } from './undicihead';
import type { UndiciMessages, UndiciRequest } from './undicimessages';
import { type Sent, SentRequest } from './undicisent';
import { markUndiciSocket } from './undicisockets';

/** Sockets that lead through a proxy: written to before the first request. */
const tunnels = stamp<Socket, true>();

/** What becomes of requests, as undici tells it. Connections are kept account of for all of them, also those that nobody follows. */
export class UndiciExchanges {
  readonly #dials: UndiciDials;
  readonly #copies: UndiciCopies;

  constructor(dials: UndiciDials, copies: UndiciCopies) {
    this.#dials = dials;
    this.#copies = copies;
  }

  /** The head is about to be written, in the same go. */
  sent({ request, socket, headers }: UndiciMessages['client:sendHeaders']): void {
    tellsOfSending();
    const roundTrip = RoundTrip.of(request);
    if (roundTrip === undefined) this.#dials.settled(request);
    else this.#dials.sent(request, roundTrip, socket);
    if (request.method === 'CONNECT') {
      tunnels.set(socket, true);
      if (roundTrip === undefined) return;
    }
    const isH2 = (socket as Socket & { readonly alpnProtocol?: unknown }).alpnProtocol === 'h2';
    if (isH2) markUndiciSocket(socket);
    const connection = Connection.of(socket);
    const { idleSince, inUse, requestCount } = connection;
    // Somebody used it before we watched. HTTP/2 writes something of its own before the first request.
    if (requestCount === 0 && !isH2 && socket.bytesWritten > 0 && !tunnels.get(socket))
      connection.counted = false;
    const reused = requestCount > 0 || !connection.counted;
    connection.requestCount++;
    connection.inUse++;
    connection.idleSince = 0;
    SentRequest.set(request, { socket, connection, isH2 });
    count(socket, connection, request);
    if (roundTrip === undefined) return;
    if (!reused) this.#copies.connected(request, socket);
    // A request that was there before the connection became idle has waited for it.
    const wasIdle = reused && inUse === 0 && roundTrip.begunAt >= idleSince;
    roundTrip.gotConn(socket, connection, reused, wasIdle, wasIdle ? idleSince : 0);
    roundTrip.wroteHeaders(hasBody(request), false, headers, (head) => headerFields(request, head, isH2));
  }

  /** The last of the request was handed to the socket. */
  bodySent({ request }: UndiciMessages['request:bodySent']): void {
    const roundTrip = RoundTrip.of(request);
    const sent = roundTrip && SentRequest.get(request);
    if (roundTrip === undefined || sent === undefined) return;
    // The kernel has not accepted it yet; what the kernel is given over HTTP/2 is not this request's alone.
    if (!sent.isH2 && sent.socket.writableNeedDrain) waitForDrain(sent.socket, roundTrip);
    else roundTrip.wroteRequest();
  }

  responded({ request, response: { statusCode, headers } }: UndiciMessages['request:headers']): void {
    const roundTrip = RoundTrip.of(request);
    const sent = roundTrip && SentRequest.get(request);
    if (roundTrip === undefined || sent === undefined) return;
    roundTrip.gotFirstResponseByte();
    sent.response = headers;
    if (statusCode >= 200 || statusCode === 101) return;
    const result = roundTrip.trace?.got1xxResponse?.(statusCode, incomingHeaders(headers));
    if (result instanceof Error) request.abort?.(result);
  }

  /** The response is complete. What becomes of the connection is decided in the rest of this go. */
  completed({ request }: UndiciMessages['request:trailers']): void {
    const sent = SentRequest.take(request);
    if (sent !== undefined) release(sent.connection);
    const roundTrip = RoundTrip.of(request);
    if (roundTrip === undefined) return;
    roundTrip.bodyEnd();
    // `queueMicrotask` makes an AsyncResource.
    void RESOLVED.then(() => settle(request, roundTrip, sent));
  }

  failed({ request, error }: UndiciMessages['request:error']): void {
    const sent = SentRequest.take(request);
    if (sent !== undefined) release(sent.connection);
    const roundTrip = RoundTrip.of(request);
    if (roundTrip === undefined) return;
    this.#dials.failed(request, roundTrip, error);
    // A request can be aborted with anything.
    roundTrip.done(error instanceof Error ? error : new Error(String(error)));
  }
}

const RESOLVED = Promise.resolve();

const draining = stamp<Socket, RoundTrip | undefined>();

function waitForDrain(socket: Socket, roundTrip: RoundTrip): void {
  draining.set(socket, roundTrip);
  socket.on('drain', onDrain);
}

const onDrain = guarded(function drain(this: Socket) {
  this.off('drain', onDrain);
  draining.get(this)?.wroteRequest();
  draining.set(this, undefined);
});

/** The connection is free of a request. */
function release(connection: Connection): void {
  if (connection.inUse > 0) connection.inUse--;
  if (connection.inUse === 0) connection.idleSince = now();
}

const settle = guarded(function settle(request: UndiciRequest, roundTrip: RoundTrip, sent: Sent | undefined) {
  const isHandedOver = request.upgrade !== null || request.method === 'CONNECT';
  // As in Go no pool is spoken of when HTTP/2 is.
  if (sent !== undefined && !sent.isH2 && !isHandedOver) {
    sent.socket.off('drain', onDrain);
    if (!sent.socket.destroyed) roundTrip.trace?.putIdleConn?.();
    else if (isKeptTooBriefly(sent)) roundTrip.trace?.putIdleConn?.(new Error(KEPT_TOO_BRIEFLY));
  }
  roundTrip.done();
});

const KEPT_TOO_BRIEFLY = 'keep-alive refused: the server keeps idle connections too briefly';

/** Has a connection counted among the open ones, if somebody measures. */
function count(socket: Socket, connection: Connection, request: UndiciRequest): void {
  if (connection.server !== undefined || !isMeasuring()) return;
  countOpen(socket, connection, dialOf(socket)?.server ?? targetOf(request));
}

/** undici closes a connection right away if the server says that it will do so soon (within 2 seconds, unless told otherwise). */
function isKeptTooBriefly({ response }: Sent): boolean {
  if (response === undefined) return false;
  const { connection, 'keep-alive': keepAlive } = incomingHeaders(response);
  return keepAlive !== undefined && !/\bclose\b/i.test(connection ?? '');
}
