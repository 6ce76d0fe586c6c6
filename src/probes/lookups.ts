import dns from 'node:dns';
import type { Socket } from 'node:net';
import { now } from '../clock';
import { stamp } from '../stamp';
import { type Layer, type Method, patch } from './patch';
import { currentResolution } from './scope';

/** The socket whose `connect` is on the stack: Node calls `lookup` from there. */
let connecting: Socket | undefined;

export function connectingSocket(): Socket | undefined {
  return connecting;
}

/** From here to {@link leaveConnect} the socket's `connect` is on the stack. Returns what `leaveConnect` must be given. */
export function enterConnect(socket: Socket): Socket | undefined {
  const before = connecting;
  connecting = socket;
  return before;
}

export function leaveConnect(before: Socket | undefined): void {
  connecting = before;
}

const shared = stamp<Socket, true>();

/** The answer that a socket's lookup is about to get is shared with another lookup. */
export function markShared(socket: Socket): void {
  shared.set(socket, true);
}

/** When queries for a name were last answered. Bounded: a program may ask for very many names. */
const answers = new Map<string, number>();
const MOST_ANSWERS = 1_000;

/**
 * The resolution of a dial's host name.
 *
 * Whether a lookup function of the application's shares answers can only be told from outside: it did, if it asked no resolver on behalf of this dial, and
 * a query for the same name, asked on behalf of another one, was answered while this dial waited. Without such an answer it had one in store
 * (a cache, a hosts table), and nothing was shared. Who asked cannot know whether others waited for it, and is told false.
 */
export class Resolution {
  readonly #start = now();
  #queried = false;

  /** @param isCustom - the application has supplied the lookup function */
  constructor(
    readonly socket: Socket,
    readonly host: string,
    readonly isCustom: boolean,
  ) {}

  /** A resolver is asked on its behalf. */
  query(): void {
    this.#queried = true;
  }

  /** Whether the answer was shared with a concurrent lookup; known when the answer is there. */
  get isCoalesced(): boolean {
    if (shared.get(this.socket) === true) return true;
    return this.isCustom && !this.#queried && (answers.get(this.host) ?? 0) > this.#start;
  }
}

const QUERIES = ['resolve', 'resolve4', 'resolve6', 'resolveAny'];

/** Watches the resolvers of `node:dns` for queries that are made in a dial. Those that the application makes for itself pass through untouched. */
export function resolverProbe(): () => void {
  const undo: ((() => void) | undefined)[] = [];
  const watch = (owner: object, names: readonly string[], make: Wrap) => {
    for (const name of names) undo.push(patch(owner, name, make));
  };
  watch(dns, ['lookup', ...QUERIES], callbackQuery);
  watch(dns.Resolver.prototype, QUERIES, callbackQuery);
  watch(dns.promises, ['lookup', ...QUERIES], promiseQuery);
  watch(dns.promises.Resolver.prototype, QUERIES, promiseQuery);
  return () => {
    for (const each of undo) each?.();
  };
}

type Wrap = (original: Method, layer: Layer) => Method;

const callbackQuery: Wrap = (original, layer) =>
  function query(this: unknown, ...args: unknown[]) {
    const resolution = layer.active ? currentResolution() : undefined;
    const callback = args.at(-1);
    if (resolution === undefined || typeof callback !== 'function') return original.apply(this, args);
    resolution.query();
    const host = args[0];
    return original.apply(this, [
      ...args.slice(0, -1),
      function answered(this: unknown, ...answer: unknown[]) {
        noteAnswer(host);
        return callback.apply(this, answer);
      },
    ]);
  };

const promiseQuery: Wrap = (original, layer) =>
  function query(this: unknown, ...args: unknown[]) {
    const resolution = layer.active ? currentResolution() : undefined;
    const answer = original.apply(this, args);
    if (resolution === undefined) return answer;
    resolution.query();
    const note = () => noteAnswer(args[0]);
    // Within a dial only: on a promise that nobody handles, this would hide the unhandled rejection.
    answer?.then?.(note, note);
    return answer;
  };

function noteAnswer(host: unknown): void {
  if (typeof host !== 'string') return;
  answers.delete(host);
  answers.set(host, now());
  if (answers.size > MOST_ANSWERS) for (const oldest of answers.keys()) return void answers.delete(oldest);
}
