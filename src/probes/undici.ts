import type { Context, Span } from '@opentelemetry/api';
import { endLookout, lookOut, requestSpanOf } from '../clientspan';
import { namesUnsampled } from '../traceparent';
import { isWanted, mayBeWanted, NOT_SAMPLED } from '../tracing';
import { failed, guarded, type Layer, type Method } from './patch';
import { RoundTrip } from './roundtrip';
import { UndiciCopies } from './undicicopies';
import { UndiciDials } from './undicidials';
import { UndiciExchanges } from './undiciexchanges';
import { connectedByUndici } from './undicih2';
import { lastHeader, targetOf } from './undicihead';
import { onMessage, patchPublish, type UndiciMessages, type UndiciRequest } from './undicimessages';

/** Watches undici: the one in Node that `fetch` uses, and every other. All copies speak through the same channels. */
export function undiciProbe(): () => void {
  const dials = new UndiciDials();
  const copies = new UndiciCopies();
  const undo = [
    patchPublish('request:create', (original, layer) => onCreate(original, layer, copies, dials)),
    onMessage(
      'client:beforeConnect',
      guarded((message) => dials.expect(message)),
    ),
    onMessage(
      'client:connected',
      guarded(({ socket }) => connectedByUndici(socket, dials)),
    ),
    ...watchExchanges(new UndiciExchanges(dials)),
  ];
  return () => {
    for (const each of undo) each?.();
    copies.stop();
  };
}

/** What is to be known after all subscribers have heard of a new request, of one that may be followed. */
interface Asked {
  readonly ctx: Context;
  /** How many header fields it had, in whatever form. */
  readonly headers: number;
  /** `Date.now()` before. */
  readonly earliest: number;
  readonly outer: Span | null | undefined;
}

function onCreate(original: Method, layer: Layer, copies: UndiciCopies, dials: UndiciDials): Method {
  return function publish(this: unknown, message: UndiciMessages['request:create']) {
    if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
    let asked: Asked | undefined;
    try {
      asked = ask(message.request, copies.contextOf(message.request));
    } catch (error) {
      failed(ask, error);
    }
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      try {
        dials.created(message.request, asked && begin(message.request, asked, dials));
      } catch (error) {
        failed(begin, error);
      }
    }
  };
}

function ask(request: UndiciRequest, ctx: Context): Asked | undefined {
  if (!mayBeWanted(ctx)) return undefined;
  return { ctx, headers: request.headers.length, earliest: Date.now(), outer: lookOut() };
}

/** Begins a round trip, if somebody wants to follow it. */
function begin(request: UndiciRequest, asked: Asked, dials: UndiciDials): RoundTrip | undefined {
  const { ctx } = asked;
  const span = endLookout(asked.outer);
  if (dials.isTunnel(request)) return undefined;
  const traceparent =
    span === undefined && request.headers.length > asked.headers
      ? lastHeader(request, 'traceparent')
      : undefined;
  if (traceparent !== undefined && namesUnsampled(ctx, traceparent) && !isWanted(ctx, NOT_SAMPLED))
    return undefined;
  const tracestate = traceparent && lastHeader(request, 'tracestate');
  const requestSpan = requestSpanOf(ctx, span, asked.earliest, traceparent, tracestate);
  return isWanted(ctx, requestSpan)
    ? RoundTrip.begin(request, ctx, 'undici', targetOf(request), requestSpan)
    : undefined;
}

/** What every request does has a `try` of its own, see {@link guarded}. */
function watchExchanges(exchanges: UndiciExchanges): (() => void)[] {
  return [
    onMessage('client:sendHeaders', (message) => {
      try {
        exchanges.sent(message);
      } catch (error) {
        failed(exchanges.sent, error);
      }
    }),
    onMessage('request:bodySent', (message) => {
      try {
        exchanges.bodySent(message);
      } catch (error) {
        failed(exchanges.bodySent, error);
      }
    }),
    onMessage('request:headers', (message) => {
      try {
        exchanges.responded(message);
      } catch (error) {
        failed(exchanges.responded, error);
      }
    }),
    patchPublish('request:trailers', (original, layer) => {
      return function publish(this: unknown, message: UndiciMessages['request:trailers']) {
        if (layer.active)
          try {
            exchanges.completed(message);
          } catch (error) {
            failed(exchanges.completed, error);
          }
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
    patchPublish('request:error', (original, layer) => {
      const observe = guarded((message: UndiciMessages['request:error']) => exchanges.failed(message));
      return function publish(this: unknown, message: UndiciMessages['request:error']) {
        if (layer.active) observe(message);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
  ];
}
