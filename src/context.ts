import { type Context, createContextKey, diag } from '@opentelemetry/api';
import { context } from './api';
import type { ClientTrace } from './clienttrace';
import { assertClientTrace, compose, isolate } from './compose';

const NAME = 'opentelemetry-instrumentation-httptrace ClientTrace';
const KEY = createContextKey(NAME);

interface Attached {
  /** Whether a trace was ever attached to a context. */
  any: boolean;
}

/**
 * Most programs attach no trace, and to find nothing in a context takes V8 as long as all else that is done for an untraced request.
 *
 * Global, as the key is: a trace that another copy of this package has attached is found as well.
 */
const attached = shared({ any: false });

function shared(ours: Attached): Attached {
  const found = (globalThis as { [name: symbol]: unknown })[Symbol.for(NAME)] as Attached | undefined;
  if (found === undefined) Object.defineProperty(globalThis, Symbol.for(NAME), { value: ours });
  return found ?? ours;
}

/**
 * Returns a context in which outgoing HTTP requests call the trace's hooks. Requests pick it up from the active context when they are made.
 *
 * Follows Go's [`httptrace.WithClientTrace`](https://pkg.go.dev/net/http/httptrace#WithClientTrace): a trace that is already in `ctx` keeps running, the new
 * one's hooks first. Unlike Go's, the caller's object is never changed, and the same trace attached twice runs twice. The hooks are
 * read now: one added to `trace` later is not called.
 *
 * Needs an enabled `HttpTraceInstrumentation` and a context manager (every OpenTelemetry SDK for Node registers one).
 *
 * @throws TypeError when `ctx` is no context, `trace` no object, or a hook no function
 *
 * @example
 * ```ts
 * context.with(withClientTrace(context.active(), {
 *   gotConn: (info) => console.log('Got Conn', info.reused, info.wasIdle, info.idleTime),
 *   dnsDone: (info) => console.log('DNS Info', info.addrs, info.coalesced),
 * }), () => https.get('https://example.com'));
 * ```
 */
export function withClientTrace(ctx: Context, trace: ClientTrace): Context {
  if (typeof ctx?.getValue !== 'function' || typeof ctx.setValue !== 'function')
    throw new TypeError('withClientTrace: ctx must be a Context, e.g. context.active()');
  assertClientTrace(trace, 'withClientTrace');
  warnWithoutContextManager();
  attached.any = true;
  const older = contextClientTrace(ctx);
  const newer = isolate(trace);
  return ctx.setValue(KEY, older === undefined ? newer : compose(newer, older));
}

/**
 * Returns the hooks attached to `ctx`, composed into one trace, or undefined.
 *
 * Follows Go's [`httptrace.ContextClientTrace`](https://pkg.go.dev/net/http/httptrace#ContextClientTrace). Calling a hook of the result calls that hook of
 * every trace attached, newer first.
 *
 * @example
 * ```ts
 * contextClientTrace(context.active())?.getConn?.('example.com:443');
 * ```
 */
export function contextClientTrace(ctx: Context): ClientTrace | undefined {
  return attached.any ? (ctx.getValue(KEY) as ClientTrace | undefined) : undefined;
}

/** Whether a trace was ever attached to any context. */
export function isAnyAttached(): boolean {
  return attached.any;
}

let checked = false;

/** Without a context manager `context.with` is a plain call and no hook is ever found: better said once than searched for. */
function warnWithoutContextManager(): void {
  if (checked) return;
  checked = true;
  const probe = createContextKey('opentelemetry-instrumentation-httptrace probe');
  const kept = context.with(context.active().setValue(probe, true), () => context.active().getValue(probe));
  if (kept !== true)
    diag.warn(
      'httptrace: no context manager is registered, so hooks attached with withClientTrace will not be called',
    );
}
