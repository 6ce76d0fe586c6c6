import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { asciiHost } from './hostport';
import type { Sharer } from './singleflight';

/** Counts the answers that resolvers gave to lookup functions of the application's. */
let lastAnswer = 0;

/** The last answer about each name. Bounded: a program may ask for very many names. */
const answers = new Map<string, number>();
const MOST_ANSWERS = 1_000;

/**
 * The resolution of the host name of a connection, traced or not: a traced one may share what an untraced one asked for.
 *
 * Whether a lookup function of the application's shares answers can only be told from outside: it did, if it asked no resolver on behalf of this connection, and
 * a query for the same name, asked on behalf of another one, was answered while this one waited. Without such an answer it had one in store
 * (a cache, a hosts table), and nothing was shared. Who asked cannot know whether others waited for it, and is told false.
 */
export class Resolution implements Sharer {
  readonly #begunAfter = lastAnswer;
  /** As long as nobody listens to it. */
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
    if (this.#socket?.connecting === false) this.end();
    return this.#isOver;
  }

  /** From now on somebody tells when it is over. */
  follow(): void {
    this.#socket = undefined;
  }

  end(): void {
    this.#isOver = true;
    this.#socket = undefined;
  }

  /** The application's lookup function asks a resolver on its behalf. */
  query(): void {
    this.#queried = true;
  }

  answerIsShared(): void {
    this.#shared = true;
  }

  /** Whether the answer was shared with a concurrent lookup; known when the answer is there. */
  get isCoalesced(): boolean {
    if (this.#shared) return true;
    return this.isCustom && !this.#queried && (answers.get(nameOf(this.host)) ?? 0) > this.#begunAfter;
  }
}

/** A resolver has answered the query of a lookup function. */
export function noteAnswer(host: unknown): void {
  if (typeof host !== 'string') return;
  const name = nameOf(host);
  answers.delete(name);
  answers.set(name, ++lastAnswer);
  if (answers.size > MOST_ANSWERS) for (const oldest of answers.keys()) return void answers.delete(oldest);
}

/** What makes two spellings one name. */
function nameOf(host: string): string {
  return asciiHost(host).toLowerCase().replace(/\.$/, '');
}

/** Whose `connect` is on the stack: Node calls the lookup from there. */
let onStack: Resolution | undefined;

/** Lookup functions of the application's may do their work later. A key of its own: it begins and ends with the lookup, and for every connection. */
const customs = new AsyncLocalStorage<Resolution>();

/** Runs `connect`, in which Node looks the host name up. */
export function resolveWithin<T>(resolution: Resolution, connect: () => T): T {
  const before = onStack;
  onStack = resolution;
  try {
    return resolution.isCustom ? customs.run(resolution, connect) : connect();
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
  const resolution = customs.getStore();
  return resolution?.isOver === false ? resolution : undefined;
}
