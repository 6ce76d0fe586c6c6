import type { Context } from '@opentelemetry/api';
import { context } from '../api';
import { stamp } from '../stamp';
import { MetClasses } from './met';
import { failed, guarded, type Layer, type Method, patch } from './patch';

/** In which context something was first asked for, by what it will be handled with. */
const askedIn = stamp<object, Context>();

/**
 * The context in which a request was asked for, which need not be the one in which it is made; undefined if that was not seen.
 *
 * A pool of undici queues what a request is to be made of, and makes it in the context of whoever made room for it. So it was with `connections` in every version up to 8.12;
 * 8.12, which is in Node 26.12, also has requests wait until it is known whether the server speaks HTTP/2. What tries again, or follows a redirect, does it in the context
 * of the socket, with the same handler.
 */
export function askerOf(handler: object | null | undefined): Context | undefined {
  return handler ? askedIn.get(handler) : undefined;
}

/** The `dispatch` that all dispatchers of a copy have in common. */
const dispatchers = new MetClasses('dispatch', (owner) => patch(owner, 'dispatch', onDispatch));

/** Watches those of the copies that are met from now on; returns what undoes it. */
export function watchDispatchers(): () => void {
  return dispatchers.watch();
}

/** Meets the copies that `fetch` and `request` use where they are not told what to use. */
export const meetGlobal = guarded(() => {
  // The first up to undici 7, the second from 8 on, which puts a wrapper of it in the place of the first.
  for (const version of ['1', '2'])
    meet((globalThis as Record<symbol, unknown>)[Symbol.for(`undici.globalDispatcher.${version}`)]);
});

/** Meets the copy whose socket this is, if it tells: the client that uses it hangs on it, or on its parser. With HTTP/2 neither is there. */
export const meetBehind = guarded((socket: object): boolean => {
  let isMet = false;
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const value = (socket as Record<symbol, { readonly client?: unknown } | null | undefined>)[symbol];
    isMet = meet(value) || meet(value?.client) || isMet;
  }
  return isMet;
});

function meet(dispatcher: unknown): boolean {
  const owner = commonOwner(dispatcher);
  if (owner !== undefined) dispatchers.meet(owner);
  return owner !== undefined;
}

/** The class right above the abstract one, whose `dispatch` only throws. */
function commonOwner(dispatcher: unknown): object | undefined {
  if (typeof dispatcher !== 'object') return undefined;
  let last: object | undefined;
  let lastButOne: object | undefined;
  for (let owner = dispatcher; owner !== null; owner = Object.getPrototypeOf(owner)) {
    if (!Object.hasOwn(owner, 'dispatch')) continue;
    lastButOne = last;
    last = owner;
  }
  return lastButOne;
}

/** What the innermost `dispatch` that is running was asked with, and by whom. */
let running: unknown;
let runningFor: Context | undefined;

const onDispatch = (original: Method, layer: Layer): Method =>
  function dispatch(this: unknown, options: unknown, handler: unknown) {
    if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
    const before = running;
    const beforeFor = runningFor;
    try {
      ask(options, handler);
    } catch (error) {
      failed(ask, error);
    }
    try {
      return arguments.length === 2
        ? original.call(this, options, handler)
        : original.apply(this, arguments as unknown as unknown[]);
    } finally {
      running = before;
      runningFor = beforeFor;
    }
  };

function ask(options: unknown, handler: unknown): void {
  if (typeof handler !== 'object' || handler === null) return;
  let ctx = askedIn.get(handler);
  if (ctx === undefined) {
    // An agent asks its pool, and that its client, with the same options; undici 7 puts something else around the handler on the way.
    ctx = runningFor !== undefined && running === options ? runningFor : context.active();
    askedIn.set(handler, ctx);
  }
  running = options;
  runningFor = ctx;
}
