import { diag } from '@opentelemetry/api';

import shimmer = require('shimmer');

// biome-ignore lint/suspicious/noExplicitAny: any method of any of Node's prototypes
export type Method = (this: any, ...args: any[]) => any;

/** One wrapper of ours around one method. Switched off it passes everything through. */
export interface Layer {
  active: boolean;
}

/** What a method was replaced by. */
interface Patch {
  readonly layer: Layer;
  readonly wrapper: Method;
  /** Whether its owner had the method itself, and not by inheritance. */
  readonly own: boolean;
}

/** Those that could not be removed because somebody patched on top of them. */
const buried = new WeakMap<object, Map<string, Patch>>();

/**
 * Replaces a method by a wrapper, through `shimmer`; returns the undo.
 *
 * The wrapper has the original's name, length and own properties (`dns.lookup` hides a symbol there that `util.promisify` needs). If
 * somebody has patched on top by the time of the undo, their patch is left alone and ours stays below it, passing everything through; it is
 * switched on again by the next `patch` of the same method. So what `make` returns must not depend on who has called `patch`.
 *
 * @param make - given the original, returns the wrapper, which must call the original exactly once, with the same `this` and arguments
 * @returns undefined when there is no such method (in some other version of Node): the phase it shows will be missing
 */
export function patch(
  owner: object,
  name: string,
  make: (original: Method, layer: Layer) => Method,
): (() => void) | undefined {
  const target = owner as Record<string, Method>;
  const current = target[name];
  if (typeof current !== 'function') {
    diag.warn(`httptrace: this Node has no ${name} to observe; what it shows will be missing`);
    return undefined;
  }
  const kept = buried.get(owner)?.get(name);
  if (kept !== undefined && isBelow(current, kept.wrapper)) {
    kept.layer.active = true;
    return () => remove(target, name, kept);
  }
  const layer: Layer = { active: true };
  const wrapper = resemble(make(current, layer), current);
  const patched: Patch = { layer, wrapper, own: Object.hasOwn(owner, name) };
  shimmer.wrap(target, name, () => wrapper);
  return () => remove(target, name, patched);
}

/** Undoes all of it; what was not there to be patched has no undo. */
export function undoAll(undo: readonly ((() => void) | undefined)[]): void {
  for (const each of undo) each?.();
}

function remove(target: Record<string, Method>, name: string, kept: Patch): void {
  kept.layer.active = false;
  if (target[name] === kept.wrapper) {
    shimmer.unwrap(target, name);
    // shimmer puts an inherited method back as an own property: remove it, so that nothing of ours is left.
    if (!kept.own) delete target[name];
    buried.get(target)?.delete(name);
  } else {
    const methods = buried.get(target) ?? new Map();
    buried.set(target, methods.set(name, kept));
    diag.debug(`httptrace: ${name} was patched by somebody else after us; our part now passes through`);
  }
}

/** Where on its prototype chain an object has a method from: the most derived. */
export function ownerOf(object: object, method: string): object | undefined {
  let owner: object | null = object;
  while (owner !== null && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  return owner ?? undefined;
}

/** Whether `wrapper` is `method`, or lies below it as far as `shimmer`'s traces tell. */
function isBelow(method: Method, wrapper: Method): boolean {
  let layer: Method | undefined = method;
  while (layer !== undefined && layer !== wrapper)
    layer = (layer as Method & { __original?: Method }).__original;
  return layer === wrapper;
}

function resemble(wrapper: Method, original: Method): Method {
  const { prototype: _, ...properties } = Object.getOwnPropertyDescriptors(original) as Record<
    PropertyKey,
    PropertyDescriptor
  >;
  return Object.defineProperties(wrapper, properties);
}

/** An observer has thrown. What it should have reported is missing. */
export function failed(observe: { readonly name: string }, error: unknown): void {
  diag.error(`httptrace: ${observe.name} failed; what it reports is missing from this request`, error);
}

/**
 * Wraps one of our observers so that it cannot throw into the application, see {@link failed}.
 *
 * Passes on up to five arguments by name: rest parameters would allocate an array on every call. What runs for every request has a `try` of its
 * own instead: all guards share their code, so that V8 can put no observer's in its place.
 */
export function guarded<T, P extends unknown[], R = void>(
  observe: (this: T, ...args: P) => R,
): (this: T, ...args: P) => R | undefined {
  const call: Method = observe;
  const guard: Method = function (a, b, c, d, e) {
    try {
      return call.call(this, a, b, c, d, e);
    } catch (error) {
      failed(observe, error);
      return undefined;
    }
  };
  return guard;
}
