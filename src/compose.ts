import { diag } from '@opentelemetry/api';
import type { ClientTrace, HookName } from './clienttrace';
import { HOOK_LENGTHS, HOOKS } from './hooks';

type AnyHook = (...args: readonly unknown[]) => unknown;
type Hook3 = (a?: unknown, b?: unknown, c?: unknown) => unknown;
type Hooks = { [K in HookName]?: AnyHook };

/** Throws a `TypeError` unless `trace` is an object whose hooks are functions. */
export function assertClientTrace(trace: unknown, where: string): asserts trace is ClientTrace {
  if (typeof trace !== 'object' || trace === null)
    throw new TypeError(`${where}: trace must be an object of hooks, got ${describe(trace)}`);
  for (const name of HOOKS) {
    const hook = (trace as Record<string, unknown>)[name];
    if (hook !== undefined && typeof hook !== 'function')
      throw new TypeError(`${where}: hook ${name} must be a function, got ${describe(hook)}`);
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `${typeof value}`;
}

let hooksRunning = 0;

/** Whether this is called by a hook of the application's: a request that is made there is not traced, or it would call the hook again, and so on. */
export function isInHook(): boolean {
  return hooksRunning > 0;
}

/**
 * A copy of the trace that cannot harm its caller: what a hook throws, or a promise it returns rejects with, is reported to `diag`, once per hook.
 *
 * An absent hook stays absent, so that probes need not build its arguments. All copies have the same hidden class, which keeps the probes' calls monomorphic.
 *
 * @param reported - the names already reported; share one set between traces that come from one source
 */
export function isolate(trace: ClientTrace, reported = new Set<HookName>()): ClientTrace {
  return build((name) => {
    const hook = (trace as Hooks)[name];
    if (hook === undefined) return undefined;
    const length = HOOK_LENGTHS[name];
    const failed = (error: unknown) => reportOnce(name, error, reported);
    return (a, b, c) => {
      hooksRunning++;
      try {
        const result = call(hook, trace, length, a, b, c);
        if (result !== undefined && result instanceof Promise) result.catch(failed);
        return result;
      } catch (error) {
        failed(error);
        return undefined;
      } finally {
        hooksRunning--;
      }
    };
  });
}

/** Calls a hook with as many arguments as it has. Rest arguments would be an array for each call. */
export function call(
  hook: AnyHook,
  trace: unknown,
  length: number,
  a: unknown,
  b: unknown,
  c: unknown,
): unknown {
  if (length === 0) return hook.call(trace);
  if (length === 1) return hook.call(trace, a);
  return length === 2 ? hook.call(trace, a, b) : hook.call(trace, a, b, c);
}

/**
 * One trace that calls the newer's hooks, then the older's, with the same arguments. Neither is changed.
 *
 * Of `got1xxResponse`'s results the first `Error` wins, newer first.
 */
export function compose(newer: ClientTrace, older: ClientTrace): ClientTrace {
  return build((name) => {
    const first = (newer as Hooks)[name];
    const second = (older as Hooks)[name];
    if (first === undefined) return second?.bind(older);
    if (second === undefined) return first.bind(newer);
    const length = HOOK_LENGTHS[name];
    return (a, b, c) => {
      const result = call(first, newer, length, a, b, c);
      const other = call(second, older, length, a, b, c);
      return result instanceof Error ? result : other;
    };
  });
}

/** All at once: V8 makes a dictionary of an object to which they are added one by one, and every look for a hook is slower for it. */
function build(hook: (name: HookName) => Hook3 | undefined): ClientTrace {
  const hooks: Record<HookName, Hook3 | undefined> = {
    getConn: hook('getConn'),
    gotConn: hook('gotConn'),
    putIdleConn: hook('putIdleConn'),
    gotFirstResponseByte: hook('gotFirstResponseByte'),
    got100Continue: hook('got100Continue'),
    got1xxResponse: hook('got1xxResponse'),
    dnsStart: hook('dnsStart'),
    dnsDone: hook('dnsDone'),
    connectStart: hook('connectStart'),
    connectDone: hook('connectDone'),
    tlsHandshakeStart: hook('tlsHandshakeStart'),
    tlsHandshakeDone: hook('tlsHandshakeDone'),
    wroteHeaderField: hook('wroteHeaderField'),
    wroteHeaders: hook('wroteHeaders'),
    wait100Continue: hook('wait100Continue'),
    wroteRequest: hook('wroteRequest'),
    roundTripDone: hook('roundTripDone'),
  };
  return hooks as ClientTrace;
}

/** What a hook throws, told once. */
export function reportOnce(name: string, error: unknown, reported: Set<string>): void {
  if (reported.has(name)) return;
  reported.add(name);
  diag.error(`httptrace: hook ${name} threw; its later errors are not reported`, error);
}
