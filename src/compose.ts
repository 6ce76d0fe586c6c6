import { diag } from '@opentelemetry/api';
import { type ClientTrace, HOOKS, type HookName } from './clienttrace';

type AnyHook = (...args: readonly unknown[]) => unknown;
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
    if (trace[name] === undefined) return undefined;
    const failed = (error: unknown) => reportOnce(name, error, reported);
    return (...args) => {
      hooksRunning++;
      try {
        const result = (trace as Hooks)[name]?.(...args);
        if (result instanceof Promise) result.catch(failed);
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
    return (...args) => {
      const result = first.apply(newer, args as unknown[]);
      const other = second.apply(older, args as unknown[]);
      return result instanceof Error ? result : other;
    };
  });
}

function build(hook: (name: HookName) => AnyHook | undefined): ClientTrace {
  const hooks: Hooks = {};
  for (const name of HOOKS) hooks[name] = hook(name) as AnyHook;
  return hooks as ClientTrace;
}

/** What a hook throws, told once. */
export function reportOnce(name: string, error: unknown, reported: Set<string>): void {
  if (reported.has(name)) return;
  reported.add(name);
  diag.error(`httptrace: hook ${name} threw; its later errors are not reported`, error);
}
