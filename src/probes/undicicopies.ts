import { AsyncResource } from 'node:async_hooks';
import type { Context } from '@opentelemetry/api';
import { context } from '../api';
import { failed, type Layer, type Method, ownerOf, patch, undoAll } from './patch';
import { RoundTrip } from './roundtrip';
import { onConnect } from './undicih2';
import type { UndiciRequest } from './undicimessages';
import { askerOf, meetBehind, meetGlobal } from './undiciqueue';

/** A copy of undici: what all its requests have in common. */
interface Copy {
  readonly prototype: object;
  /** The key of what a request is handled with. */
  readonly handler: symbol | undefined;
  /** Whether what it tells to its requests alone is heard. */
  isHeard: boolean;
  /** Whether its dispatchers are watched. */
  isDispatchSeen: boolean;
}

/** The copies of undici that there are in a process, each of which is met with the first of its requests. */
export class UndiciCopies {
  readonly #met = new WeakMap<object, Copy>();
  readonly #patched = new WeakSet<object>();
  readonly #undo: ((() => void) | undefined)[] = [];
  /** Looked up once for all the requests of one copy that follow one another: usually there is no other copy. */
  #last: Copy | undefined;

  stop(): void {
    undoAll(this.#undo);
  }

  /** The context in which a request was asked for, which need not be the one in which it is made: see {@link askerOf}. */
  contextOf(request: UndiciRequest): Context {
    const { handler: key } = this.#of(request);
    const handler =
      key && (request as unknown as Record<symbol, Partial<AsyncResource> | null | undefined>)[key];
    const ctx = askerOf(handler);
    if (ctx !== undefined) return ctx;
    // Where no dispatcher could be watched. Asked first, because `instanceof` is expensive: what `fetch` handles with is none.
    return handler?.runInAsyncScope !== undefined && handler instanceof AsyncResource
      ? handler.runInAsyncScope(active)
      : context.active();
  }

  #of(request: UndiciRequest): Copy {
    const prototype = Object.getPrototypeOf(request);
    if (this.#last?.prototype !== prototype)
      this.#last = this.#met.get(prototype) ?? this.#meet(request, prototype);
    return this.#last as Copy;
  }

  #meet(request: UndiciRequest, prototype: object): Copy {
    const symbols = Object.getOwnPropertySymbols(request);
    const copy = {
      prototype,
      handler: symbols.find(({ description }) => description === 'handler'),
      isHeard: false,
      isDispatchSeen: false,
    };
    this.#met.set(prototype, copy);
    return copy;
  }

  /** A request that somebody follows is the first one on a new connection. */
  connected(request: UndiciRequest, socket: object): void {
    const copy = this.#of(request);
    if (!copy.isDispatchSeen) copy.isDispatchSeen = meetBehind(socket) === true;
  }

  /** Some things undici tells to its request alone: to be heard from the first one on that somebody follows. */
  hear(request: UndiciRequest): void {
    const copy = this.#of(request);
    if (copy.isHeard) return;
    copy.isHeard = true;
    meetGlobal();
    const owner = ownerOf(request, 'onResponseStarted') ?? copy.prototype;
    if (this.#patched.has(owner)) return;
    this.#patched.add(owner);
    this.#undo.push(patch(owner, 'onResponseStarted', onResponseStarted));
    if ('onConnect' in owner) this.#undo.push(patch(owner, 'onConnect', onConnect));
  }
}

function active(): Context {
  return context.active();
}

/** undici's request is told of the first byte by this method; nobody else is. */
const onResponseStarted = (original: Method, layer: Layer): Method =>
  function onResponseStarted(this: UndiciRequest) {
    const roundTrip = layer.active ? RoundTrip.of(this) : undefined;
    if (roundTrip !== undefined)
      try {
        roundTrip.gotFirstResponseByte();
      } catch (error) {
        failed(roundTrip.gotFirstResponseByte, error);
      }
    return arguments.length === 0
      ? original.call(this)
      : original.apply(this, arguments as unknown as unknown[]);
  };
