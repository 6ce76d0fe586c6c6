import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';
import { isFailedPhase } from '../outcome';
import { duration, oneLine } from '../text';
import { html, type Markup } from './markup';

/** What is known of a span, shown when it is pointed at or focused. @param origin - where the picture's time begins */
export function tip(id: string, span: ReadableSpan, origin: number): Markup {
  const start = hrTimeToMilliseconds(span.startTime);
  const end = hrTimeToMilliseconds(span.endTime);
  const attributes = Object.entries(span.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return html`<div class="tip" role="tooltip" id="${id}"><p><strong>${span.name}</strong> ${duration(end - start)}, from ${offset(start, origin)}</p>
${isFailedPhase(span) && span.status.message && html`<p class="problem"><bdi>✗ ${oneLine(span.status.message)}</bdi></p>`}
<dl>${attributes.map(([name, value]) => item(name, show(value)))}${span.events.map((event) => item(event.name, about(event, origin), 'event'))}</dl></div>`;
}

export function timeOf(event: TimedEvent): number {
  return hrTimeToMilliseconds(event.time);
}

function item(name: string, value: string, kind = 'attribute'): Markup {
  return html`<div class="${kind}"><dt><bdi>${oneLine(name)}</bdi></dt><dd><bdi>${value}</bdi></dd></div>`;
}

function about(event: TimedEvent, origin: number): string {
  const attributes = Object.entries(event.attributes ?? {}).filter(([key]) => key !== 'exception.stacktrace');
  const said = attributes.map(([key, value]) => `${key} ${show(value)}`);
  return [`at ${offset(timeOf(event), origin)}`, ...said].map(oneLine).join(', ');
}

/** Durations are attributes in seconds. */
function show(value: unknown): string {
  return oneLine(Array.isArray(value) ? value.join(', ') : String(value));
}

function offset(time: number, origin: number): string {
  return duration(Math.max(0, time - origin));
}
