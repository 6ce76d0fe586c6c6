import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { DnsDoneInfo, DnsStartInfo, GotConnInfo, TlsState } from '../clienttrace';
import {
  ATTR_DNS_ANSWERS,
  ATTR_DNS_QUESTION_NAME,
  ATTR_HTTP_CONN_ID,
  ATTR_HTTP_CONN_IDLE_TIME,
  ATTR_HTTP_CONN_REQUEST_COUNT,
  ATTR_HTTP_CONN_REUSED,
  ATTR_HTTP_CONN_WAIT_TIME,
  ATTR_HTTP_CONN_WASIDLE,
  ATTR_HTTP_DNS_COALESCED,
  ATTR_TLS_CIPHER,
  ATTR_TLS_NEXT_PROTOCOL,
  ATTR_TLS_PROTOCOL_NAME,
  ATTR_TLS_PROTOCOL_VERSION,
  ATTR_TLS_RESUMED,
} from '../names';
import type { Exchange } from '../tracing';

/** What takes attributes: a span, or a phase. */
export interface Described {
  setAttribute(key: string, value: AttributeValue): unknown;
}

/** Of a connection that a request was given. @param waited - milliseconds, if it waited for a connection without dialling */
export function connection(
  to: Described,
  info: GotConnInfo,
  { connection }: Pick<Exchange, 'connection'>,
  waited: number | undefined,
): void {
  to.setAttribute(ATTR_HTTP_CONN_REUSED, info.reused);
  to.setAttribute(ATTR_HTTP_CONN_WASIDLE, info.wasIdle);
  if (info.idleTime > 0) to.setAttribute(ATTR_HTTP_CONN_IDLE_TIME, info.idleTime / 1000);
  if (waited !== undefined) to.setAttribute(ATTR_HTTP_CONN_WAIT_TIME, waited / 1000);
  if (connection === undefined) return;
  to.setAttribute(ATTR_HTTP_CONN_ID, connection.id);
  if (connection.counted) to.setAttribute(ATTR_HTTP_CONN_REQUEST_COUNT, connection.requestCount);
}

/** Assigned: V8 makes an object literal with computed keys in its runtime, property by property. */
export function question(info: DnsStartInfo): Attributes {
  const attributes: Attributes = {};
  attributes[ATTR_DNS_QUESTION_NAME] = info.host;
  return attributes;
}

export function answers(to: Described, info: DnsDoneInfo): void {
  if (info.err === undefined)
    to.setAttribute(
      ATTR_DNS_ANSWERS,
      info.addrs.map(({ address }) => address),
    );
  to.setAttribute(ATTR_HTTP_DNS_COALESCED, info.coalesced);
}

/** Node's `'TLSv1.3'` is protocol `tls`, version `1.3` in the semantic conventions. */
export function tls(to: Described, state: TlsState): void {
  const [, name, version] = /^(TLS|SSL)v(.*)$/.exec(state.protocol) ?? [];
  to.setAttribute(ATTR_TLS_RESUMED, state.resumed);
  if (name !== undefined) to.setAttribute(ATTR_TLS_PROTOCOL_NAME, name.toLowerCase());
  if (version !== undefined) to.setAttribute(ATTR_TLS_PROTOCOL_VERSION, version);
  if (state.cipher) to.setAttribute(ATTR_TLS_CIPHER, state.cipher);
  if (state.alpnProtocol) to.setAttribute(ATTR_TLS_NEXT_PROTOCOL, state.alpnProtocol);
}

/** `error.type`: Node's error code where there is one, else the name of the class. */
export function errorType(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && code !== '') return code;
  // What an AbortSignal aborts with: an AbortError or a TimeoutError, of one class.
  if (error instanceof DOMException) return error.name;
  return error.constructor?.name || error.name || 'Error';
}

/**
 * Walks attributes that the SDK is about to list, as it does with those of every event and span: V8 then finds the keys of all objects of their shape in
 * store, where it would look them up in its runtime every time.
 */
export function walked(attributes: Attributes): Attributes {
  for (const key in attributes) if (key !== undefined) break;
  return attributes;
}
