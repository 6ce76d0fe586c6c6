import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { type Layer, type Method, patch } from './patch';

/** What undici's requests have, in versions 6, 7 and 8. */
export interface UndiciRequest {
  readonly method: string;
  readonly origin?: string | URL;
  /** Names and values by turns; one text in some early versions of 6. */
  readonly headers: readonly (string | readonly string[])[] | string;
  readonly body: unknown;
  readonly contentLength: number | null;
  readonly upgrade: string | null;
  readonly aborted?: boolean;
  /** There once the request has a connection. */
  readonly abort: ((reason: Error) => void) | null;
}

/** What undici tells on `undici:<name>`. */
export interface UndiciMessages {
  'request:create': { readonly request: UndiciRequest };
  'client:beforeConnect': {
    readonly connectParams: { readonly hostname: string; readonly port: string; readonly protocol: string };
  };
  'client:connected': { readonly socket: Socket };
  'client:connectError': { readonly error: unknown };
  /** Just before the head is written. `headers` is all of it but for the framing of a body; with HTTP/2 there is no request line. */
  'client:sendHeaders': {
    readonly request: UndiciRequest;
    readonly socket: Socket;
    readonly headers: string;
  };
  'request:bodySent': { readonly request: UndiciRequest };
  /** For each response head, informational ones included. */
  'request:headers': {
    readonly request: UndiciRequest;
    readonly response: { readonly statusCode: number; readonly headers: RawHeaders };
  };
  /** The response is complete. */
  'request:trailers': { readonly request: UndiciRequest };
  /** The request has failed; may be told more than once, and of a request that is over. */
  'request:error': { readonly request: UndiciRequest; readonly error: unknown };
}

/** Names and values by turns, or (HTTP/2) an object. */
export type RawHeaders = readonly (Buffer | string)[] | Readonly<Record<string, string | string[]>>;

type Name = keyof UndiciMessages;

/** Tells `listener`, which must not throw, of every message, in the order of the subscriptions; returns the undo. */
export function onMessage<N extends Name>(
  name: N,
  listener: (message: UndiciMessages[N]) => void,
): () => void {
  const subscriber = listener as (message: unknown) => void;
  subscribe(`undici:${name}`, subscriber);
  return () => void unsubscribe(`undici:${name}`, subscriber);
}

/**
 * Wraps what undici calls to tell of a message, as {@link patch} does any method; returns the undo.
 *
 * So something can be done before any subscriber is told, whoever has subscribed first, and when all have been told. The order counts for two reasons:
 * instrumentation-undici begins the request's span in a subscriber, and ends it in another, after which nothing can be written to it.
 */
export function patchPublish(name: Name, make: (original: Method, layer: Layer) => Method): () => void {
  // undici tells nothing to a channel that nobody has subscribed to.
  subscribe(`undici:${name}`, nobody);
  const undo = patch(channel(`undici:${name}`), 'publish', make);
  return () => {
    undo?.();
    unsubscribe(`undici:${name}`, nobody);
  };
}

function nobody(): void {}
