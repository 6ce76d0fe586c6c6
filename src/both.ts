import type { ClientTrace, HookName } from './clienttrace';
import { call, reportOnce } from './compose';
import { HOOK_LENGTHS, HOOKS } from './hooks';

/**
 * The one moment that Go leaves to the reader of the body and that a sink needs, because the request's span ends right after it: the response's
 * body has ended, or was given up. Comes before `putIdleConn` and `roundTripDone`. Not public.
 */
export const bodyEnd = Symbol('bodyEnd');

/** A trace of ours. */
export interface SinkTrace extends ClientTrace {
  [bodyEnd]?(): void;
}

/**
 * Two traces as one that calls the first's hooks, then the second's, and neither of which can keep the other from running.
 *
 * Made for every request that two want to follow: so it has its methods from its class, and not a closure for each of them.
 */
export class Both implements SinkTrace {
  declare readonly wroteHeaderField?: NonNullable<ClientTrace['wroteHeaderField']>;

  constructor(
    readonly first: SinkTrace,
    readonly second: SinkTrace,
  ) {
    // Present only for those who want to see header fields: they are taken apart for nobody else.
    if (first.wroteHeaderField !== undefined || second.wroteHeaderField !== undefined)
      this.wroteHeaderField = wroteHeaderField;
  }
}

type Hook = HookName | typeof bodyEnd;
type Method = (this: Both, a?: unknown, b?: unknown, c?: unknown) => unknown;

const reported = new Set<string>();

function method(hook: Hook, length: number): Method {
  return function (a, b, c) {
    const result = guardedCall(this.first, hook, length, a, b, c);
    const other = guardedCall(this.second, hook, length, a, b, c);
    return result instanceof Error ? result : other;
  };
}

function guardedCall(
  trace: SinkTrace,
  hook: Hook,
  length: number,
  a: unknown,
  b: unknown,
  c: unknown,
): unknown {
  try {
    const method = (trace as { [K in Hook]?: Method })[hook];
    return method && call(method, trace, length, a, b, c);
  } catch (error) {
    reportOnce(String(hook), error, reported);
    return undefined;
  }
}

const wroteHeaderField = method('wroteHeaderField', HOOK_LENGTHS.wroteHeaderField);
for (const hook of HOOKS)
  if (hook !== 'wroteHeaderField')
    Object.defineProperty(Both.prototype, hook, { value: method(hook, HOOK_LENGTHS[hook]) });
Object.defineProperty(Both.prototype, bodyEnd, { value: method(bodyEnd, 0) });

/** Whether all hooks of a trace are ours: they do nothing to a connection or a request, and can be called whatever Node is about to do. */
export function isOurs(trace: SinkTrace): boolean {
  const { first, second } = trace as Partial<Both>;
  return first && second ? isOurs(first) && isOurs(second) : trace[bodyEnd] !== undefined;
}
