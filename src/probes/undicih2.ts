import type { Socket } from 'node:net';
import { stamp } from '../stamp';
import type { Layer, Method } from './patch';
import { RoundTrip } from './roundtrip';
import type { UndiciDials } from './undicidials';
import type { UndiciRequest } from './undicimessages';

/** Whose dials are told of a request that is sent over a connection of HTTP/2. */
const connected = stamp<Socket, UndiciDials>();
let isAnyConnected = false;

/** The request that undici is about to send. */
let sending: UndiciRequest | undefined;

/** It has told that it sends it. */
export function tellsOfSending(): void {
  sending = undefined;
}

/** undici is connected. */
export function connectedByUndici(
  socket: Socket & { readonly alpnProtocol?: unknown },
  dials: UndiciDials,
): void {
  if (socket.alpnProtocol !== 'h2') return;
  isAnyConnected = true;
  connected.set(socket, dials);
}

/** undici 6 and 7 call this method of a request right before they send it. */
export const onConnect = (original: Method, layer: Layer): Method =>
  function onConnect(this: UndiciRequest) {
    const result = original.apply(this, arguments as unknown as unknown[]);
    // One that was given up is not sent: as long as no other is, it would be kept, and with it the pool.
    if (layer.active && isAnyConnected && !this.aborted) sending = this;
    return result;
  };

/** Whether a session of `http2` over this socket was made by undici. */
export function isConnectedByUndici(socket: Socket): boolean {
  return isAnyConnected && connected.get(socket) !== undefined;
}

/**
 * undici 6 does not tell when it sends a request by HTTP/2, but then it has just asked a session of `http2` for a stream: what that tells is the request's.
 *
 * @returns its round trip, if somebody follows it
 */
export function sentAsStream(socket: Socket): RoundTrip | undefined {
  const request = sending;
  sending = undefined;
  if (request === undefined) return undefined;
  const roundTrip = RoundTrip.of(request);
  const dials = connected.get(socket);
  if (roundTrip === undefined) dials?.settled(request);
  else dials?.sent(request, roundTrip, socket);
  return roundTrip;
}
