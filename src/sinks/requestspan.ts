import type { Attributes, Span } from '@opentelemetry/api';
import { ATTR_HTTP_REQUEST_HEADER } from '../names';
import type { HeaderRecorder } from './phase';

/** The request's span is somebody else's: it may have ended by the time we have something to say, and is then left alone. */
export function setAttributes(span: Span, attributes: Attributes): void {
  if (span.isRecording()) span.setAttributes(attributes);
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
    setAttributes(span, { [ATTR_HTTP_REQUEST_HEADER(name)]: all });
  };
}
