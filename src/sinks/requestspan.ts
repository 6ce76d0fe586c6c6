import type { Attributes, AttributeValue, Span } from '@opentelemetry/api';
import type { GotConnInfo } from '../clienttrace';
import { ATTR_HTTP_REQUEST_HEADER } from '../names';
import type { Exchange } from '../tracing';
import { connection } from './attributesof';
import type { HeaderRecorder } from './phase';

/** The request's span is somebody else's: it may have ended by the time we have something to say, and is then left alone. */
export function describeConnection(
  span: Span,
  exchange: Exchange,
  info: GotConnInfo,
  waited: number | undefined,
): void {
  if (span.isRecording()) connection(span, info, exchange, waited);
}

/** The same for a span that is not known yet. */
export function attributesOfConnection(
  exchange: Exchange,
  info: GotConnInfo,
  waited: number | undefined,
): Attributes {
  const attributes: Attributes = {};
  const to = {
    setAttribute(key: string, value: AttributeValue) {
      attributes[key] = value;
    },
  };
  connection(to, info, exchange, waited);
  return attributes;
}

const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Records the listed header fields (in lower case) on the request's span, by the semantic convention; credentials never. */
export function headerRecorder(span: Span, headers: readonly string[]): HeaderRecorder | undefined {
  if (headers.length === 0) return undefined;
  const seen = new Map<string, string[]>();
  return (key, values) => {
    const name = key.toLowerCase();
    if (!headers.includes(name)) return;
    const shown = CREDENTIALS.has(name) ? values.map(() => 'REDACTED') : values;
    // HTTP/2 tells of one value at a time.
    const all = [...(seen.get(name) ?? []), ...shown];
    seen.set(name, all);
    if (span.isRecording()) span.setAttribute(ATTR_HTTP_REQUEST_HEADER(name), all);
  };
}
