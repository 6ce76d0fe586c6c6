import * as names from '../names';

/** The names of all phases with a suffix. Made once: one put together for every request would have to be interned every time. */
export function withSuffix(suffix: string): Readonly<Record<names.SpanName, string>> {
  return {
    [names.SPAN_GETCONN]: names.SPAN_GETCONN + suffix,
    [names.SPAN_DNS]: names.SPAN_DNS + suffix,
    [names.SPAN_CONNECT]: names.SPAN_CONNECT + suffix,
    [names.SPAN_TLS]: names.SPAN_TLS + suffix,
    [names.SPAN_SEND]: names.SPAN_SEND + suffix,
    [names.SPAN_WAIT]: names.SPAN_WAIT + suffix,
    [names.SPAN_RECEIVE]: names.SPAN_RECEIVE + suffix,
  };
}
