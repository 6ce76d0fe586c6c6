import type { HookName } from './clienttrace';

/** How many arguments each hook is called with, in the order of a request's life. The compiler demands a new hook here. */
export const HOOK_LENGTHS = {
  getConn: 1,
  dnsStart: 1,
  dnsDone: 1,
  connectStart: 2,
  connectDone: 3,
  tlsHandshakeStart: 0,
  tlsHandshakeDone: 2,
  gotConn: 1,
  wroteHeaderField: 2,
  wroteHeaders: 0,
  wait100Continue: 0,
  wroteRequest: 1,
  gotFirstResponseByte: 0,
  got100Continue: 0,
  got1xxResponse: 2,
  putIdleConn: 1,
  roundTripDone: 1,
} as const satisfies Record<HookName, number>;

/** All hooks, in that order. */
export const HOOKS = Object.keys(HOOK_LENGTHS) as readonly HookName[];
