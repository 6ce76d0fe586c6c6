import dns from 'node:dns';
import { coalescesLookups } from '../tracing';
import { type Resolution, resolutionOfCustom, resolutionOfNode } from './lookups';
import { type Layer, type Method, patch, undoAll } from './patch';
import { lookupOnce } from './singleflight';

const QUERIES = ['resolve', 'resolve4', 'resolve6', 'resolveAny'];

/**
 * Watches the resolvers of `node:dns` for queries of lookup functions of the application's; what else is asked passes through untouched. Has concurrent
 * `dns.lookup`s share one query, as in Go, while an enabled instrumentation asks for it with `coalesceLookups`.
 */
export function resolverProbe(): () => void {
  const undo: ((() => void) | undefined)[] = [patch(dns, 'lookup', lookupByCallback)];
  const watch = (owner: object, names: readonly string[], make: typeof queryByCallback) => {
    for (const name of names) undo.push(patch(owner, name, make));
  };
  watch(dns, QUERIES, queryByCallback);
  watch(dns.Resolver.prototype, QUERIES, queryByCallback);
  watch(dns.promises, ['lookup', ...QUERIES], queryByPromise);
  watch(dns.promises.Resolver.prototype, QUERIES, queryByPromise);
  return () => undoAll(undo);
}

/** One wrapper for both, sharing and observing: `patch` can bring one layer a method back. */
function lookupByCallback(original: Method, layer: Layer): Method {
  return function lookup(this: unknown) {
    const ofNode = resolutionOfNode();
    const ofCustom = layer.active && ofNode === undefined ? resolutionOfCustom() : undefined;
    const isShared = layer.active && coalescesLookups();
    if (ofCustom === undefined && !isShared) return original.apply(this, arguments as unknown as unknown[]);
    const args = [...arguments];
    const observed = ofCustom === undefined ? args : observedQuery(args, ofCustom);
    const request = isShared
      ? lookupOnce(original, this, observed, ofNode ?? ofCustom)
      : original.apply(this, observed);
    ofCustom?.query();
    return request;
  };
}

function queryByCallback(original: Method, layer: Layer): Method {
  return function query(this: unknown, ...args: unknown[]) {
    const resolution = layer.active ? resolutionOfCustom() : undefined;
    if (resolution === undefined) return original.apply(this, args);
    const request = original.apply(this, observedQuery(args, resolution));
    resolution.query();
    return request;
  };
}

function queryByPromise(original: Method, layer: Layer): Method {
  return function query(this: unknown, ...args: unknown[]) {
    const resolution = layer.active ? resolutionOfCustom() : undefined;
    const answer = original.apply(this, args);
    if (resolution === undefined || !(answer instanceof Promise)) return answer;
    resolution.query();
    // Passed on: looked at beside the application, a rejection that nobody handles would no longer be unhandled.
    return answer.then(
      (value) => {
        resolution.queryAnswered(args[0]);
        return value;
      },
      (error) => {
        resolution.queryAnswered(args[0]);
        throw error;
      },
    );
  };
}

/** The arguments of a query, with a callback that first notes that it was answered. */
function observedQuery(args: unknown[], resolution: Resolution): unknown[] {
  const callback = args.at(-1);
  if (typeof callback !== 'function') return args;
  return [
    ...args.slice(0, -1),
    function answered(this: unknown, ...answer: unknown[]) {
      resolution.queryAnswered(args[0]);
      return callback.apply(this, answer);
    },
  ];
}
