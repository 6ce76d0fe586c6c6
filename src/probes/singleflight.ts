import { AsyncResource } from 'node:async_hooks';
import { isNativeError } from 'node:util/types';
import type { Method } from './patch';
import { questionOf } from './question';

/** Somebody who wants to know that the answer was not its alone. */
export interface Sharer {
  answerIsShared(): void;
}

/** One query, and everybody else who waits for its answer. */
interface Flight {
  readonly waiters: Method[];
  readonly sharers: (Sharer | undefined)[];
}

/** Queries that are not answered yet. */
const flights = new Map<string, Flight>();

/**
 * Calls `dns.lookup`, or waits for the answer to the same question if somebody has just asked it. Nothing is kept after the answer.
 *
 * @param lookup - the original, called once if at all
 * @param sharer - told that the answer is shared before anybody has it; so is whoever asked first
 * @returns what Node returns
 */
export function lookupOnce(lookup: Method, self: unknown, args: unknown[], sharer?: Sharer): unknown {
  const question = questionOf(args);
  if (question === undefined) return lookup.apply(self, args);
  const callback = args.at(-1) as Method;
  const flight = flights.get(question);
  if (flight === undefined) return ask(question, lookup, self, args, sharer);
  flight.sharers.push(sharer);
  // Node returns the request that it gives the callback as `this`; nothing about it is documented, so an empty one will do.
  const request = {};
  flight.waiters.push(AsyncResource.bind(callback).bind(request));
  return request;
}

function ask(question: string, lookup: Method, self: unknown, args: unknown[], sharer?: Sharer): unknown {
  const own = args.at(-1) as Method;
  const flight: Flight = { waiters: [], sharers: [sharer] };
  let isAnswered = false;
  const answered: Method = function (...answer) {
    if (!isAnswered) {
      isAnswered = true;
      land(question, flight, answer);
    }
    return own.apply(this, answer);
  };
  const request = lookup.apply(self, [...args.slice(0, -1), answered]);
  // Node has thrown if the options were wrong. A replacement of dns.lookup may have answered already.
  if (!isAnswered) flights.set(question, flight);
  return request;
}

function land(question: string, { waiters, sharers }: Flight, answer: unknown[]): void {
  // Before any callback runs: it may look the same host up again, and that is a new question.
  flights.delete(question);
  if (waiters.length === 0) return;
  for (const sharer of sharers) sharer?.answerIsShared();
  // Each in a tick of its own, so that an exception in one does not starve the others.
  for (const waiter of waiters) process.nextTick(waiter, ...copyOf(answer));
}

/** Nobody gets an object that somebody else may change. */
function copyOf([err, addresses, ...rest]: unknown[]): unknown[] {
  const own = Array.isArray(addresses) ? addresses.map((each) => ({ ...each })) : addresses;
  return [isNativeError(err) ? copyOfError(err) : err, own, ...rest];
}

function copyOfError(err: Error): Error {
  const { stack, ...others } = Object.getOwnPropertyDescriptors(err);
  const copy = Object.setPrototypeOf(new Error(err.message), Object.getPrototypeOf(err));
  // From Node 22 on the stack is an accessor that, copied, would tell the stack of the copy.
  const ownStack = { value: err.stack, writable: true, enumerable: false, configurable: true };
  return Object.defineProperties(copy, stack === undefined ? others : { ...others, stack: ownStack });
}
