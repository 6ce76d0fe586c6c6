import assert from 'node:assert/strict';
import type { ClientTrace, HookName } from '../../src/clienttrace';
import { HOOKS } from '../../src/hooks';

export interface Call {
  readonly hook: HookName;
  readonly args: readonly unknown[];
}

/** Short names for the hooks, as sequences are written in the tests: those of the conformance table. */
const SHORT = {
  getConn: 'GC',
  gotConn: 'GO',
  putIdleConn: 'PI',
  gotFirstResponseByte: 'FB',
  got100Continue: 'C1',
  got1xxResponse: 'I1',
  dnsStart: 'DS',
  dnsDone: 'DD',
  connectStart: 'CS',
  connectDone: 'CD',
  tlsHandshakeStart: 'TS',
  tlsHandshakeDone: 'TD',
  wroteHeaderField: 'HF',
  wroteHeaders: 'WH',
  wait100Continue: 'W1',
  wroteRequest: 'WR',
  roundTripDone: 'RT',
} satisfies Record<HookName, string>;

/** Records the hooks of one request, and what the application saw between them. */
export class Recorder {
  readonly calls: Call[] = [];
  readonly #story: (Call | string)[] = [];
  readonly trace: Required<ClientTrace>;
  /** Resolves when the request is over. */
  readonly done: Promise<void>;

  constructor() {
    let over: () => void = () => {};
    this.done = new Promise((resolve) => {
      over = resolve;
    });
    const hooks = Object.fromEntries(
      HOOKS.map((hook) => [
        hook,
        (...args: unknown[]) => {
          const call = { hook, args };
          this.calls.push(call);
          this.#story.push(call);
          if (hook === 'roundTripDone') over();
        },
      ]),
    );
    this.trace = hooks as unknown as Required<ClientTrace>;
  }

  /** The arguments of the nth call of a hook. */
  args<H extends HookName>(hook: H, nth = 0): Parameters<Required<ClientTrace>[H]> {
    const call = this.calls.filter((each) => each.hook === hook)[nth];
    assert.ok(call, `${hook} was called at least ${nth + 1} times: ${this.sequence()}`);
    return call.args as Parameters<Required<ClientTrace>[H]>;
  }

  count(hook: HookName): number {
    return this.calls.filter((each) => each.hook === hook).length;
  }

  /** The calls in order, as `GC DS DD CS CD GO HF WH WR FB PI RT`; header fields as one, `!CODE` behind one that was given an error. */
  sequence(): string {
    return inWords(this.calls);
  }

  /** Remembers that the application saw something now: `response`, `end`, `error`. */
  mark(word: string, error?: Error): void {
    this.#story.push(error === undefined ? word : `${word}!${codeOf(error)}`);
  }

  /** The sequence with the application's marks: `GC GO HF WH WR FB response end PI RT`. */
  story(): string {
    return inWords(this.#story);
  }

  /** What holds for every request: pairs are closed, the last word comes once and last. */
  assertInvariants(): void {
    const sequence = this.sequence();
    for (const [start, done] of [
      ['dnsStart', 'dnsDone'],
      ['connectStart', 'connectDone'],
      ['tlsHandshakeStart', 'tlsHandshakeDone'],
    ] as const)
      assert.equal(this.count(start), this.count(done), `every ${start} has one ${done}: ${sequence}`);
    for (const hook of [
      'getConn',
      'gotConn',
      'wroteHeaders',
      'wroteRequest',
      'gotFirstResponseByte',
    ] as const)
      assert.ok(this.count(hook) <= 1, `${hook} at most once: ${sequence}`);
    assert.equal(
      this.count('wroteRequest'),
      this.count('gotConn'),
      `gotConn has one wroteRequest: ${sequence}`,
    );
    assert.equal(this.calls[0]?.hook, 'getConn', `getConn is first: ${sequence}`);
    assert.equal(this.count('roundTripDone'), 1, `roundTripDone once: ${sequence}`);
    assert.equal(this.calls.at(-1)?.hook, 'roundTripDone', `roundTripDone is last: ${sequence}`);
  }
}

function inWords(story: readonly (Call | string)[]): string {
  const words = story.map((event) => {
    if (typeof event === 'string') return event;
    const error = errorOf(event.args);
    return SHORT[event.hook] + (error ? `!${codeOf(error)}` : '');
  });
  return words.filter((word, i) => word !== 'HF' || words[i - 1] !== 'HF').join(' ');
}

function errorOf(args: readonly unknown[]): Error | undefined {
  for (const arg of args) {
    if (arg instanceof Error) return arg;
    const { err } = (arg ?? {}) as { err?: Error };
    if (err instanceof Error) return err;
  }
  return undefined;
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
