import { AsyncResource } from 'node:async_hooks';
import { type Context, context } from '@opentelemetry/api';
import { ownerOf, patch } from './patch';
import { onResponseStarted } from './undiciexchanges';
import { onConnect } from './undicih2';
import type { UndiciRequest } from './undicimessages';

/** A copy of undici: what all its requests have in common. */
interface Copy {
  readonly prototype: object;
  /** The key of what a request is handled with. */
  readonly handler: symbol | undefined;
  /** Whether what it tells to its requests alone is heard. */
  isHeard: boolean;
}

/** The copies of undici that there are in a process, each of which is met with the first of its requests. */
export class UndiciCopies {
  readonly #met = new WeakMap<object, Copy>();
  readonly #patched = new WeakSet<object>();
  readonly #undo: ((() => void) | undefined)[] = [];
  /** Looked up once for all the requests of one copy that follow one another: usually there is no other copy. */
  #last: Copy | undefined;

  stop(): void {
    for (const each of this.#undo) each?.();
  }

  /**
   * The context in which a request was made. undici 6, 7 and some 8 make those that had to queue in a Pool in the context of the one before; what they are handled with
   * knows better.
   */
  contextOf(request: UndiciRequest): Context {
    const { handler: key } = this.#of(request);
    const handler =
      key && (request as unknown as Record<symbol, Partial<AsyncResource> | null | undefined>)[key];
    // Asked first, because `instanceof` is expensive: of those of `fetch` none is one.
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
    };
    this.#met.set(prototype, copy);
    return copy;
  }

  /** Some things undici tells to its request alone: to be heard from the first one on that somebody follows. */
  hear(request: UndiciRequest): void {
    const copy = this.#of(request);
    if (copy.isHeard) return;
    copy.isHeard = true;
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
