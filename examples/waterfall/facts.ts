import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';
import * as names from 'opentelemetry-instrumentation-httptrace';
import type { Row } from './layout';
import { duration } from './text';

/** What bars cannot show: which connection it was, and how the request came by it. */
export function factsOf({ span }: Row, spans: readonly ReadableSpan[]): string[] {
  const { attributes } = span;
  const id = attributes[names.ATTR_HTTP_CONN_ID];
  if (id === undefined) return ['no connection that could be used'];
  const facts = [`connection ${id}`, attributes[names.ATTR_HTTP_CONN_REUSED] ? 'reused' : 'new'];
  const idle = attributes[names.ATTR_HTTP_CONN_IDLE_TIME];
  if (idle !== undefined) facts.push(`idle for ${seconds(idle)}`);
  const waited = attributes[names.ATTR_HTTP_CONN_WAIT_TIME];
  if (waited !== undefined) facts.push(`waited in the queue for ${seconds(waited)}`);
  const count = attributes[names.ATTR_HTTP_CONN_REQUEST_COUNT];
  if (count !== undefined) facts.push(`request ${count} on this connection`);
  return [...facts, ...securityOf(spans), ...eventsOf(spans)];
}

function securityOf(spans: readonly ReadableSpan[]): string[] {
  const tls = spans.find(({ name }) => name === names.SPAN_TLS)?.attributes;
  const version = tls?.[names.ATTR_TLS_PROTOCOL_VERSION];
  if (version === undefined) return [];
  return [`TLS ${version}${tls?.[names.ATTR_TLS_RESUMED] ? ', session resumed' : ''}`];
}

function eventsOf(spans: readonly ReadableSpan[]): string[] {
  const events = new Map(spans.flatMap((span) => span.events.map((event) => [event.name, event])));
  const facts: string[] = [];
  const [asked, answered] = [names.EVENT_WAIT_100_CONTINUE, names.EVENT_GOT_100_CONTINUE].map((name) =>
    events.get(name),
  );
  if (asked && answered) facts.push(`100 Continue after ${duration(timeOf(answered) - timeOf(asked))}`);
  const put = events.get(names.EVENT_PUT_IDLE_CONN);
  const reason = put?.attributes?.reason;
  if (put) facts.push(reason === undefined ? 'kept for the next request' : `not kept: ${reason}`);
  return facts;
}

function timeOf(event: TimedEvent): number {
  return hrTimeToMilliseconds(event.time);
}

function seconds(attribute: unknown): string {
  return duration(Number(attribute) * 1000);
}
