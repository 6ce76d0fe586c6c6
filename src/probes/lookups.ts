import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { asciiHost } from './hostport';
import type { Method } from './patch';
import type { Sharer } from './singleflight';

/** The latest answer that a resolver gave to a lookup function of the application's, about one name. */
interface Answer {
  readonly number: number;
  /** Undefined if nobody follows its connection. */
  readonly asker: Resolution | undefined;
}

let lastAnswer = 0;

/** By name. Bounded: a program may ask for very many. */
const answers = new Map<string, Answer>();
const MOST_ANSWERS = 1_000;

/**
 * The resolution of the host name of a connection, traced or not: a traced one may share what an untraced one asked for, and the other way round.
 *
 * Whether a lookup function of the application's shares answers can only be told from outside: it did, if it asked no resolver on behalf of this connection, and
 * a query for the same name, asked on behalf of another one, was answered while this one waited. Then both have shared that answer, whatever the family of addresses, and
 * if it was an error. Without such an answer it had one in store (a cache, a hosts table), and nothing was shared. The one that asked knows of the
 * others when they have the answer: before its own is reported, a tick later, unless the function makes them wait for longer.
 */
export class Resolution implements Sharer {
  readonly #begunAfter = lastAnswer;
  /** As long as nobody follows it. */
  #socket: Socket | undefined;
  #isOver = false;
  #queried = false;
  #shared = false;

  /** @param isCustom - the application has supplied the lookup function */
  constructor(
    socket: Socket,
    readonly host: string,
    readonly isCustom: boolean,
  ) {
    this.#socket = socket;
  }

  /** The application has its answer. A lookup that was given up goes on: others may be waiting for it. */
  get isOver(): boolean {
    // Nobody tells when that of a request that is not traced is: at the latest when the socket is connected.
    if (this.#socket?.connecting === false) this.#end();
    return this.#isOver;
  }

  /** From now on somebody tells when it is over. */
  follow(): void {
    this.#socket = undefined;
  }

  #end(): void {
    this.#isOver = true;
    this.#socket = undefined;
  }

  /** It has been answered just now. */
  answered(): void {
    if (this.#isOver) return;
    this.#end();
    if (!this.isCustom || this.#queried) return;
    const answer = answers.get(nameOf(this.host));
    if (answer === undefined || answer.number <= this.#begunAfter) return;
    this.answerIsShared();
    answer.asker?.answerIsShared();
  }

  /** The application's lookup function asks a resolver on its behalf. */
  query(): void {
    this.#queried = true;
  }

  /** A resolver has answered that. */
  queryAnswered(host: unknown): void {
    if (typeof host !== 'string') return;
    const name = nameOf(host);
    answers.delete(name);
    answers.set(name, { number: ++lastAnswer, asker: this.#socket ? undefined : this });
    if (answers.size > MOST_ANSWERS) for (const oldest of answers.keys()) return void answers.delete(oldest);
  }

  answerIsShared(): void {
    this.#shared = true;
  }

  /** Whether the answer was shared with a concurrent lookup, as far as is known by now. */
  get isCoalesced(): boolean {
    return this.#shared;
  }
}

/** What makes two spellings one name. */
function nameOf(host: string): string {
  return asciiHost(host).toLowerCase().replace(/\.$/, '');
}

/** Whose `connect` is on the stack: Node calls the lookup from there. */
let onStack: Resolution | undefined;

/** Lookup functions of the application's may do their work later. A key of its own: it begins and ends with the lookup, and for every connection. */
const customs = new AsyncLocalStorage<Resolution>();

/** Most programs have none, and to look into a store is not free. */
let areCustomsUsed = false;

/** Calls `connect`, in which Node looks the host name up, or has a lookup function of the application's do it. */
export function resolveWithin(
  resolution: Resolution,
  connect: Method,
  socket: Socket,
  args: readonly unknown[],
): unknown {
  const before = onStack;
  onStack = resolution;
  try {
    if (!resolution.isCustom) return connect.apply(socket, args as unknown[]);
    areCustomsUsed = true;
    return customs.run(resolution, () => connect.apply(socket, args as unknown[]));
  } finally {
    onStack = before;
  }
}

/** For whom `dns.lookup` is being called by Node itself, if it is. */
export function resolutionOfNode(): Resolution | undefined {
  return onStack?.isCustom === false ? onStack : undefined;
}

/** For whom a lookup function of the application's is at work in this asynchronous context, if one is. */
export function resolutionOfCustom(): Resolution | undefined {
  const resolution = areCustomsUsed ? customs.getStore() : undefined;
  return resolution?.isOver === false ? resolution : undefined;
}
