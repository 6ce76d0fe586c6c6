import { inspect } from 'node:util';
import { diag } from '@opentelemetry/api';
import type { InstrumentationConfig } from '@opentelemetry/instrumentation';
import type { ClientTrace } from './clienttrace';
import type { RequestInfo } from './tracing';

const MODES = ['spans', 'events', 'attributes', 'off'] as const;

/** How phases are written. */
export type Mode = (typeof MODES)[number];

/**
 * The options of {@link HttpTraceInstrumentation}. A wrong value is reported through `diag.error`, and the default used in its place.
 *
 * @example
 * ```ts
 * new HttpTraceInstrumentation({ mode: 'events', headers: ['x-request-id'] });
 * ```
 */
export interface HttpTraceInstrumentationConfig extends InstrumentationConfig {
  /**
   * How phases are written: `'spans'` (default), each as a child of the request's span; `'events'`, each as two events of it; `'attributes'`, each as a duration on it;
   * `'off'`, not at all: hooks only.
   */
  mode?: Mode;
  /** Milliseconds, default 0: phases shorter than this are not written, unless they failed. */
  minDuration?: number;
  /** Milliseconds, default 0: phases are written only for requests that took at least this long from getConn to their end, or failed. Mode `'spans'` only. */
  slowerThan?: number;
  /** Return true for a request that is not to be traced at all: neither phases nor hooks. An exception counts as false. */
  ignoreRequest?: (info: RequestInfo) => boolean;
  /** Called for every request; the hooks it returns are called beside those of `withClientTrace`. */
  clientTrace?: (info: RequestInfo) => ClientTrace | undefined;
  /**
   * Names of request headers to record on the request's span, as `http.request.header.<name>`. Nothing is recorded by default. The values
   * of `authorization`, `proxy-authorization` and `cookie` are never recorded: `REDACTED` stands in their place.
   */
  headers?: readonly string[];
  /**
   * Default false. Concurrent `dns.lookup`s of one host, by whomever they are made, share one query, as in Go: fewer of them wait for libuv's four threads.
   * Nothing is kept after the answer. This is the one option that changes what the program does.
   */
  coalesceLookups?: boolean;
  /**
   * Default true. Measures connections, lookups and queues, of all requests, traced or not, as soon as there is a MeterProvider; without one nothing is measured.
   */
  metrics?: boolean;
}

/** The options as the instrumentation uses them: complete and right. */
export interface Options {
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly minDuration: number;
  readonly slowerThan: number;
  readonly ignoreRequest: ((info: RequestInfo) => boolean) | undefined;
  readonly clientTrace: ((info: RequestInfo) => ClientTrace | undefined) | undefined;
  /** In lower case. */
  readonly headers: readonly string[];
  readonly coalesceLookups: boolean;
  readonly metrics: boolean;
}

type Check<T> = (value: unknown) => T | undefined;

const isBoolean: Check<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);
const isMode: Check<Mode> = (value) => MODES.find((mode) => mode === value);
const isDuration: Check<number> = (value) =>
  typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : undefined;
// biome-ignore lint/suspicious/noExplicitAny: the types of its arguments cannot be checked
const isFunction: Check<(...args: any[]) => any> = (value) =>
  typeof value === 'function' ? (value as () => unknown) : undefined;
const isHeaders: Check<readonly string[]> = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '')
    ? value.map((name: string) => name.toLowerCase())
    : undefined;

/** Told what is wrong with an option, as the end of a sentence that begins with its name. */
export type Report = (option: string, problem: string) => void;

const toDiag: Report = (option, problem) => diag.error(`httptrace: option ${option} ${problem}`);

/** Fills in defaults, and reports what is wrong. Never throws. */
export function resolveConfig(config: unknown, report: Report = toDiag): Options {
  const given = readable(config ?? {}, report);
  const known = new Set<string>();
  function option<T, D>(name: string, check: Check<T>, expected: string, fallback: D): T | D {
    known.add(name);
    const value = given[name];
    if (value === undefined) return fallback;
    const right = check(value);
    if (right !== undefined) return right;
    report(name, `must be ${expected}, got ${show(value)}; using ${show(fallback)}`);
    return fallback;
  }
  const options: Options = {
    enabled: option('enabled', isBoolean, 'a boolean', true),
    mode: option('mode', isMode, `one of ${MODES.join(', ')}`, 'spans'),
    minDuration: option('minDuration', isDuration, 'a number of milliseconds, 0 or more', 0),
    slowerThan: option('slowerThan', isDuration, 'a number of milliseconds, 0 or more', 0),
    ignoreRequest: option('ignoreRequest', isFunction, 'a function', undefined),
    clientTrace: option('clientTrace', isFunction, 'a function', undefined),
    headers: option('headers', isHeaders, 'an array of header names', []),
    coalesceLookups: option('coalesceLookups', isBoolean, 'a boolean', false),
    metrics: option('metrics', isBoolean, 'a boolean', true),
  };
  for (const name of Object.keys(given)) if (!known.has(name)) report(name, 'does not exist; it is ignored');
  return options;
}

/** A copy of what was given, without what cannot even be read. */
function readable(config: unknown, report: Report): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    report('config', `must be an object, got ${show(config)}; using the defaults`);
    return given;
  }
  for (const name of Object.keys(config))
    try {
      given[name] = (config as Record<string, unknown>)[name];
    } catch (error) {
      report(name, `cannot be read (${show(error)}); using its default`);
    }
  return given;
}

function show(value: unknown): string {
  if (value === undefined) return 'none';
  return value instanceof Error ? value.message : inspect(value, { depth: 0, breakLength: Infinity });
}
