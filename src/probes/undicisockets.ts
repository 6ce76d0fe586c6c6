import type { Socket } from 'node:net';

/** A symbol, not a private field: http2 shows its sessions' sockets through a Proxy, which passes on properties only. */
const UNDICIS = Symbol('opentelemetry-instrumentation-httptrace undici');

/** The requests of a socket are reported by the probe of undici. */
export function markUndiciSocket(socket: Socket): void {
  if (!isUndiciSocket(socket)) Object.defineProperty(socket, UNDICIS, { value: true, enumerable: false });
}

/**
 * Whether the requests of a socket are reported by the probe of undici, so that nobody else must: undici's HTTP/2 rides on `node:http2`.
 *
 * Known before undici calls `session.request()`, for every request; it works with `session.socket` as well. Never true for undici 6, which does not tell when it sends a
 * request by HTTP/2: there the probe of `node:http2` tells the rest.
 */
export function isUndiciSocket(socket: Socket): boolean {
  return (socket as Socket & { [UNDICIS]?: true })[UNDICIS] === true;
}
