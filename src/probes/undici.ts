import { AsyncResource } from 'node:async_hooks';
import { type Context, context } from '@opentelemetry/api';
import { Lookout } from '../clientspan';
import { isWanted } from '../tracing';
import { ownerOf, patch } from './patch';
import { RoundTrip } from './roundtrip';
import { UndiciDials } from './undicidials';
import { onResponseStarted, UndiciExchanges } from './undiciexchanges';
import { connectedByUndici, onConnect } from './undicih2';
import { lastHeader, targetOf } from './undicihead';
import { aroundMessage, onMessage, type UndiciRequest } from './undicimessages';

/** What is to be known after all subscribers have heard of a new request. */
interface Created {
  readonly lookout: Lookout;
  readonly ctx: Context;
  /** How many header fields the request had, in whatever form. */
  readonly headers: number;
}

/** Watches undici: the one in Node that `fetch` uses, and every other. All copies speak through the same channels. */
export function undiciProbe(): () => void {
  const dials = new UndiciDials();
  const exchanges = new UndiciExchanges(dials);
  const undoCopies: ((() => void) | undefined)[] = [];
  const copies = new WeakSet<object>();
  /** Some things undici tells to its request alone, whose class is met with the first of them. */
  const watchCopy = (request: UndiciRequest) => {
    const owner = ownerOf(request, 'onResponseStarted') ?? Object.getPrototypeOf(request);
    if (copies.has(owner)) return;
    copies.add(owner);
    undoCopies.push(patch(owner, 'onResponseStarted', onResponseStarted));
    if ('onConnect' in owner) undoCopies.push(patch(owner, 'onConnect', onConnect));
  };
  const undo = [
    aroundMessage(
      'request:create',
      ({ request }): Created => {
        watchCopy(request);
        return { ctx: contextOf(request), headers: request.headers.length, lookout: new Lookout() };
      },
      ({ request }, created) => {
        if (created !== undefined) dials.created(request, begin(request, created, dials.isTunnel(request)));
      },
    ),
    onMessage('client:beforeConnect', (message) => dials.expect(message)),
    onMessage('client:connected', ({ socket }) => connectedByUndici(socket, dials)),
    onMessage('client:sendHeaders', (message) => exchanges.sent(message)),
    onMessage('request:bodySent', ({ request }) => exchanges.bodySent(request)),
    onMessage('request:headers', (message) => exchanges.responded(message)),
    aroundMessage('request:trailers', ({ request }) => exchanges.completed(request)),
    aroundMessage('request:error', (message) => exchanges.failed(message)),
  ];
  return () => {
    for (const each of [...undo, ...undoCopies]) each?.();
  };
}

/** Begins a round trip, if somebody wants to follow it. */
function begin(
  request: UndiciRequest,
  { lookout, ctx, headers }: Created,
  isTunnel: boolean,
): RoundTrip | undefined {
  const begun = lookout.end();
  if (isTunnel) return undefined;
  const injected = request.headers.length > headers;
  const span = injected
    ? lookout.found(ctx, begun, lastHeader(request, 'traceparent'), lastHeader(request, 'tracestate'))
    : lookout.found(ctx, begun);
  return isWanted(ctx, span) ? RoundTrip.begin(request, ctx, 'undici', targetOf(request), span) : undefined;
}

const handlers = new WeakMap<object, symbol | undefined>();

/**
 * The context in which a request was made. undici 6, 7 and some 8 make those that had to queue in a Pool in the context of the one before; what they are handled with
 * knows better.
 */
function contextOf(request: UndiciRequest): Context {
  const copy = Object.getPrototypeOf(request);
  if (!handlers.has(copy))
    handlers.set(
      copy,
      Object.getOwnPropertySymbols(request).find(({ description }) => description === 'handler'),
    );
  const symbol = handlers.get(copy);
  const handler = symbol && (request as unknown as Record<symbol, unknown>)[symbol];
  return handler instanceof AsyncResource
    ? handler.runInAsyncScope(() => context.active())
    : context.active();
}
