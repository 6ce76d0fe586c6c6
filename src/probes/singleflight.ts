import { AsyncResource } from 'node:async_hooks';
import dns, { type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { coalescesLookups } from '../tracing';
import { connectingSocket, markShared } from './lookups';
import { patch } from './patch';

type Callback = (err: Error | null, address: string | LookupAddress[], family?: number) => void;

/** One query, and everybody who waits for its answer. */
interface Flight {
  readonly waiters: AsyncCallback[];
  readonly sockets: ReturnType<typeof connectingSocket>[];
}
type AsyncCallback = (...answer: Parameters<Callback>) => void;

/**
 * Concurrent `dns.lookup`s of one host share one query, as in Go, while an enabled instrumentation asks for it with `coalesceLookups`.
 *
 * Nothing is kept after the answer. `getaddrinfo` blocks one of libuv's four threads for each query, so a burst of connections waits in line without this.
 */
export function singleFlightProbe(): () => void {
  const flights = new Map<string, Flight>();
  const undo = patch(dns, 'lookup', (original, layer) => {
    return function lookup(this: unknown, ...args: unknown[]) {
      const key = layer.active && coalescesLookups() ? keyOf(args) : undefined;
      if (key === undefined) return original.apply(this, args);
      const flight = flights.get(key);
      if (flight !== undefined) return join(flight, args.at(-1) as Callback);
      return start(key, flights, (callback) => original.apply(this, [...args.slice(0, -1), callback]), args);
    };
  });
  return () => undo?.();
}

/** Waits for somebody else's answer. Node returns a request object of which nothing is documented: an empty one will do. */
function join(flight: Flight, callback: Callback): object {
  flight.waiters.push(AsyncResource.bind(callback));
  flight.sockets.push(connectingSocket());
  return {};
}

function start(
  key: string,
  flights: Map<string, Flight>,
  query: (callback: Callback) => unknown,
  args: unknown[],
): unknown {
  const own = args.at(-1) as Callback;
  const flight: Flight = { waiters: [], sockets: [connectingSocket()] };
  const result = query(function answered(this: unknown, ...answer: Parameters<Callback>) {
    // Before any callback runs: it may look the same host up again, and that is a new question.
    flights.delete(key);
    if (flight.waiters.length > 0) for (const socket of flight.sockets) if (socket) markShared(socket);
    // Each in a tick of its own, so that an exception in one does not starve the others.
    for (const waiter of flight.waiters) process.nextTick(waiter, ...copyOf(answer));
    own.apply(this, answer);
  });
  // Not before: with wrong options Node throws.
  flights.set(key, flight);
  return result;
}

/** Nobody gets an object that somebody else may change. */
function copyOf([err, address, family]: Parameters<Callback>): Parameters<Callback> {
  if (err !== null && err !== undefined) return [copyOfError(err), address, family as number];
  const own = Array.isArray(address) ? address.map((each) => ({ ...each })) : address;
  return [err, own, family as number];
}

function copyOfError(err: Error): Error {
  const copy = Object.defineProperties(new Error(err.message), Object.getOwnPropertyDescriptors(err));
  return Object.setPrototypeOf(copy, Object.getPrototypeOf(err));
}

const FAMILIES = new Map<unknown, number>([
  [undefined, 0],
  [0, 0],
  [4, 4],
  [6, 6],
  ['IPv4', 4],
  ['IPv6', 6],
]);
const KNOWN = new Set(['family', 'hints', 'all', 'verbatim', 'order']);

/** What makes two lookups the same question; undefined for whatever Node should look at by itself, and perhaps refuse. */
function keyOf(args: unknown[]): string | undefined {
  const [host, given] = args;
  if (typeof args.at(-1) !== 'function' || args.length < 2 || args.length > 3) return undefined;
  if (typeof host !== 'string' || host === '' || isIP(host) !== 0) return undefined;
  const options = args.length === 2 ? {} : typeof given === 'number' ? { family: given } : given;
  if (typeof options !== 'object' || options === null) return undefined;
  if (Object.keys(options).some((name) => !KNOWN.has(name))) return undefined;
  const { family, hints = 0, all = false, verbatim, order } = options as Record<string, unknown>;
  if (!FAMILIES.has(family) || !Number.isInteger(hints) || typeof all !== 'boolean') return undefined;
  if (verbatim !== undefined && typeof verbatim !== 'boolean') return undefined;
  const effective = order ?? orderOf(verbatim as boolean | undefined) ?? dns.getDefaultResultOrder();
  return JSON.stringify([host, FAMILIES.get(family), hints, all, effective]);
}

function orderOf(verbatim: boolean | undefined): string | undefined {
  if (verbatim === undefined) return undefined;
  return verbatim ? 'verbatim' : 'ipv4first';
}
