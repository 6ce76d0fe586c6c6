import type { Context, Span } from '@opentelemetry/api';
import { endLookout, lookOut, requestSpanOf } from '../clientspan';
import { namesUnsampled } from '../traceparent';
import { doSpansMatter, isWanted, mayBeWanted, NOT_SAMPLED, type RequestSpan } from '../tracing';
import { onceFollowed } from './followed';
import { failed, guarded, type Layer, type Method, undoAll } from './patch';
import { RoundTrip } from './roundtrip';
import { UndiciCopies } from './undicicopies';
import { UndiciDials } from './undicidials';
import { UndiciExchanges } from './undiciexchanges';
import { connectedByUndici } from './undicih2';
import { lastHeader, targetOf } from './undicihead';
import { onMessage, patchPublish, type UndiciMessages, type UndiciRequest } from './undicimessages';
import { watchDispatchers } from './undiciqueue';

/** Watches undici: the one in Node that `fetch` uses, and every other. All copies speak through the same channels. */
export function undiciProbe(): () => void {
  const probe = new UndiciProbe();
  current = probe;
  return () => {
    current = undefined;
    probe.stop();
  };
}

/** The one that watches; asked for, because what was patched for an earlier one may be switched on again. */
let current: UndiciProbe | undefined;

/** What is to be known after all subscribers have heard of a new request, of one that may be followed. */
interface Asked {
  readonly ctx: Context;
  /** How many header fields it had, in whatever form. */
  readonly headers: number;
  /** `Date.now()` before. */
  readonly earliest: number;
  readonly outer: Span | null | undefined;
}

class UndiciProbe {
  readonly dials = new UndiciDials();
  readonly copies = new UndiciCopies();
  readonly exchanges = new UndiciExchanges(this.dials, this.copies);
  readonly #undo = [
    patchPublish('request:create', onCreate),
    onMessage(
      'client:beforeConnect',
      guarded((message) => this.dials.expect(message)),
    ),
    onMessage(
      'client:connected',
      guarded(({ socket }) => {
        connectedByUndici(socket, this.dials);
        this.dials.ended(socket);
      }),
    ),
    onMessage(
      'client:connectError',
      guarded(() => this.dials.ended()),
    ),
    ...watchAll(this.exchanges),
    watchDispatchers(),
    onceFollowed('undici', () => watchFollowed(this.exchanges)),
  ];

  stop(): void {
    undoAll(this.#undo);
    this.copies.stop();
  }
}

function onCreate(original: Method, layer: Layer): Method {
  return function publish(this: unknown, message: UndiciMessages['request:create']) {
    const probe = current;
    if (!layer.active || probe === undefined) return original.apply(this, arguments as unknown as unknown[]);
    let asked: Asked | undefined;
    try {
      asked = ask(message.request, probe.copies.contextOf(message.request));
    } catch (error) {
      failed(ask, error);
    }
    try {
      // `apply` is dearer by an array of them.
      return arguments.length === 1
        ? original.call(this, message)
        : original.apply(this, arguments as unknown as unknown[]);
    } finally {
      try {
        made(message.request, asked, probe);
      } catch (error) {
        failed(made, error);
      }
    }
  };
}

/** All have been told of a request. */
function made(request: UndiciRequest, asked: Asked | undefined, probe: UndiciProbe): void {
  const roundTrip = asked && begin(request, asked, probe.dials);
  probe.dials.created(request, roundTrip);
  // A hook may have disabled us.
  if (roundTrip !== undefined && probe === current) probe.copies.hear(request);
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
  const requestSpan = doSpansMatter() ? spanOf(request, asked, span) : undefined;
  return isWanted(ctx, requestSpan)
    ? RoundTrip.begin(request, ctx, 'undici', targetOf(request), requestSpan)
    : undefined;
}

/** @param span - the one that has been seen to begin */
function spanOf(
  request: UndiciRequest,
  { ctx, headers, earliest }: Asked,
  span: Span | undefined,
): RequestSpan | undefined {
  if (span !== undefined || request.headers.length === headers) return requestSpanOf(ctx, span, earliest);
  const traceparent = lastHeader(request, 'traceparent');
  if (traceparent === undefined) return undefined;
  if (namesUnsampled(ctx, traceparent)) return NOT_SAMPLED;
  return requestSpanOf(ctx, undefined, earliest, traceparent, lastHeader(request, 'tracestate'));
}

/** What becomes of any request. Each has a `try` of its own, see {@link guarded}. */
function watchAll(exchanges: UndiciExchanges): (() => void)[] {
  return [
    onMessage('client:sendHeaders', (message) => {
      try {
        exchanges.sent(message);
      } catch (error) {
        failed(exchanges.sent, error);
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
        return arguments.length === 1
          ? original.call(this, message)
          : original.apply(this, arguments as unknown as unknown[]);
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

/** What else becomes of one that somebody follows. */
function watchFollowed(exchanges: UndiciExchanges): (() => void)[] {
  return [
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
  ];
}
