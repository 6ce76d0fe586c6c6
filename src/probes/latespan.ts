import type { ClientRequest } from 'node:http';
import type { Context } from '@opentelemetry/api';
import { now } from '../clock';
import { isMadeForRequest, spanNamedBy } from '../traceparent';
import type { Target } from './hostport';
import { RoundTrip } from './roundtrip';

/*
 * Instrumentation-http makes its span before the request, and active. An APM that hears of the request on the channel `http.client.request.created`, or patches
 * less of http (Sentry), begins its span when the request is there already, and makes it active for nobody. What it tells the server names it: a header that
 * was not there when the request was made.
 */

/** Begins the round trip of a request that is being made. */
export function beginRequest(req: ClientRequest, ctx: Context, target: Target): void {
  const roundTrip = RoundTrip.begin(req, ctx, 'http', target);
  if (roundTrip !== undefined && !isMadeForRequest(ctx) && traceparentOf(req) === undefined)
    roundTrip.unnamedIn = ctx;
}

/** Looks for the name of the request's span, once, when the request has been made. */
export function findLateSpan(req: ClientRequest, roundTrip: RoundTrip): void {
  const ctx = roundTrip.unnamedIn;
  if (ctx === undefined) return;
  roundTrip.unnamedIn = undefined;
  const found = spanNamedBy(ctx, traceparentOf(req));
  if (found === undefined) return;
  // It has begun by now; to tell when is up to whoever began it.
  const wall = Date.now();
  roundTrip.requestSpan = { ...found, begun: { earliest: wall, latest: wall, by: now() } };
}

/** What the server is told of the request's span; Sentry by default speaks a dialect: the same without a version. */
function traceparentOf(req: ClientRequest): string | undefined {
  const header = req.getHeader('traceparent');
  if (typeof header === 'string') return header;
  const [, ids, sampled] =
    /^([\da-f]{32}-[\da-f]{16})-([01])$/.exec(String(req.getHeader('sentry-trace'))) ?? [];
  return ids === undefined ? undefined : `00-${ids}-0${sampled}`;
}
