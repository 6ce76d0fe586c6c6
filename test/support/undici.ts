import { context } from '@opentelemetry/api';
import type * as Undici from 'undici-7';
import { withClientTrace } from '../../src';
import type { Outcome } from './client';
import { Recorder } from './recorder';

type Dispatcher = Undici.Dispatcher;

/** One way to make requests through one copy of undici. */
export interface UndiciClient {
  readonly name: string;
  /** Why it cannot be used with this Node. */
  readonly skip: string | false;
  readonly version: 6 | 7 | 8;
  readonly isFetch: boolean;
  /** The copy's own class; its options, too, are nearly the same in all versions. */
  Agent(options?: Undici.Agent.Options): Dispatcher;
  /** Resolves when the head of the response is there. */
  send(url: string, options: SendOptions): Promise<Answer>;
}

export interface SendOptions {
  readonly dispatcher?: Dispatcher;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Of `request` alone. */
  readonly headersTimeout?: number;
  readonly bodyTimeout?: number;
}

export interface Answer {
  readonly status: number;
  text(): Promise<string>;
  /** Gives the body up. */
  cancel(): Promise<void>;
}

export type Copy = typeof Undici;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** The package `undici` in version 6, 7 or 8. */
export function copyOf(version: 6 | 7 | 8): Copy {
  return require(`undici-${version}`);
}

export function whyNot(version: 6 | 7 | 8): string | false {
  return version === 8 && (major < 22 || (major === 22 && minor < 19)) && 'undici 8 needs Node.js 22.19';
}

// Node loads its undici when fetch is first called.
void fetch('data:,').catch(() => {});

/** The Agent of the undici in Node. It is not exported; but fetch has one, until a copy of undici is loaded that puts its own in that place. */
const BundledAgent = (() => {
  const shared = globalThis as unknown as Record<
    symbol,
    { constructor: new (options?: object) => Dispatcher }
  >;
  const symbol = ['undici.globalDispatcher.2', 'undici.globalDispatcher.1']
    .map((name) => Symbol.for(name))
    .find((each) => shared[each]?.constructor.name === 'Agent');
  if (symbol === undefined) throw new Error('this Node keeps the dispatcher of fetch somewhere else');
  return (shared[symbol] as { constructor: new (options?: object) => Dispatcher }).constructor;
})();

type Fetch = (url: string, init: object) => Promise<Undici.Response>;

function byFetch(
  name: string,
  version: 6 | 7 | 8,
  skip: string | false,
  fetch: Fetch,
  agent: UndiciClient['Agent'],
) {
  const send = async (url: string, options: SendOptions): Promise<Answer> => {
    const half = typeof options.body === 'object' && { duplex: 'half' };
    const response = await fetch(url, { ...options, ...half });
    return {
      status: response.status,
      text: () => response.text(),
      cancel: async () => void (await response.body?.cancel()),
    };
  };
  return { name, skip, version, isFetch: true, Agent: agent, send } satisfies UndiciClient;
}

function byRequest(name: string, version: 6 | 7 | 8, skip: string | false, agent: UndiciClient['Agent']) {
  const send = async (url: string, options: SendOptions): Promise<Answer> => {
    const { statusCode, body } = await copyOf(version).request(url, options as object);
    return {
      status: statusCode,
      text: () => body.text(),
      cancel: async () => void body.on('error', () => {}).destroy(),
    };
  };
  return { name, skip, version, isFetch: false, Agent: agent, send } satisfies UndiciClient;
}

function ofPackage(version: 6 | 7 | 8): UndiciClient[] {
  const agent = (options?: Undici.Agent.Options) => new (copyOf(version).Agent)(options);
  const skip = whyNot(version);
  return [
    byFetch(`fetch of undici ${version}`, version, skip, (...args) => copyOf(version).fetch(...args), agent),
    byRequest(`request of undici ${version}`, version, skip, agent),
  ];
}

const bundled = Number(process.versions.undici?.split('.')[0]) as 6 | 7 | 8;

/** The fetch of Node, and both ways of the three packages. */
export const CLIENTS: readonly UndiciClient[] = [
  byFetch('fetch', bundled, false, fetch as unknown as Fetch, (options) => new BundledAgent(options)),
  ...([6, 7, 8] as const).flatMap(ofPackage),
];

/** What the application does with a request; `mark` is told what it sees. */
type Work = (mark: (word: string) => void) => Promise<{ status: number; body: string } | undefined>;

/** Runs it under a recording trace; resolves when the application has its result and the recorder its last word, with the invariants asserted. */
export async function observe(work: Work): Promise<Outcome> {
  const recorder = new Recorder();
  let result: Partial<Outcome>;
  try {
    const traced = withClientTrace(context.active(), recorder.trace);
    result = (await context.with(traced, () => work((word) => recorder.mark(word)))) ?? {};
  } catch (error) {
    result = { error: error as Error };
  }
  await recorder.done;
  recorder.assertInvariants();
  return { ...result, recorder };
}

/** One request, whose response is read. */
export function get(client: UndiciClient, url: string, options: SendOptions = {}): Promise<Outcome> {
  return observe(async () => {
    const answer = await client.send(url, options);
    return { status: answer.status, body: await answer.text() };
  });
}

/** What went wrong: fetch wraps it. */
export function causeOf(error: unknown): NodeJS.ErrnoException {
  return ((error as Error).cause ?? error) as NodeJS.ErrnoException;
}

/** Lets undici have the connection back, which it takes only in the next turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
