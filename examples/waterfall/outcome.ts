import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ATTR_EXCEPTION_TYPE, ATTR_HTTP_RESPONSE_STATUS_CODE } from '@opentelemetry/semantic-conventions';
import { ATTR_ERROR_TYPE } from 'opentelemetry-instrumentation-httptrace';
import { flatten, type Row } from './layout';
import { oneLine } from './text';

/** The code of the error that the request failed with; undefined when it was answered, whatever the status. */
export function failureOf(request: Row): string | undefined {
  const thrown = request.span.events.find(({ attributes }) => attributes?.[ATTR_EXCEPTION_TYPE]);
  const failed = request.children.find(({ span }) => isFailedPhase(span));
  const code = thrown?.attributes?.[ATTR_EXCEPTION_TYPE] ?? failed?.span.attributes[ATTR_ERROR_TYPE];
  return code === undefined ? undefined : oneLine(String(code));
}

/** An answer of 400 and more makes a request's span an error too, so this is for phases. */
export function isFailedPhase(span: ReadableSpan): boolean {
  return span.status.code === SpanStatusCode.ERROR;
}

export function statusOf({ span }: Row): number {
  return Number(span.attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] ?? 0);
}

/** A line for each phase that failed by itself: not for one that failed because a phase inside it did. */
export function failures(request: Row): string[] {
  return phasesOf(request)
    .filter(
      ({ span, children }) => isFailedPhase(span) && !children.some((child) => isFailedPhase(child.span)),
    )
    .map(({ span }) => {
      const code = String(span.attributes[ATTR_ERROR_TYPE]);
      const message = oneLine(span.status.message ?? '');
      return `✗ ${span.name}: ${message.includes(code) ? message : `${code} ${message}`}`;
    });
}

/** A line for each phase that failed without harm, because another address answered. */
export function recoveries(request: Row): string[] {
  return phasesOf(request)
    .filter(({ span }) => ATTR_ERROR_TYPE in span.attributes && !isFailedPhase(span))
    .map(({ span }) => `! ${span.name}: ${span.attributes[ATTR_ERROR_TYPE]}, then another address answered`);
}

function phasesOf(request: Row): Row[] {
  return request.children.flatMap(flatten);
}
