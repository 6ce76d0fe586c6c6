import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ATTR_HTTP_REQUEST_METHOD, ATTR_URL_FULL } from '@opentelemetry/semantic-conventions';
import { factsOf } from '../facts';
import { flatten, type Period, periodOf, type Row, treeOf } from '../layout';
import { failureOf, failures, isFailedPhase, recoveries, statusOf } from '../outcome';
import { duration, oneLine } from '../text';
import { html, type Markup } from './markup';
import { timeOf, tip } from './tip';

/** Ids are unique in a page, and there is one page in a run. */
let lastId = 0;

/** The waterfall of one request. @param whole - the time that a bar over the full width stands for */
export function figure(spans: readonly ReadableSpan[], whole: Period): Markup {
  const request = treeOf(spans);
  if (request === undefined) return html`<p class="problem">The SDK exported no span of this request.</p>`;
  const failure = failureOf(request);
  const status = statusOf(request);
  const { attributes } = request.span;
  const kind = failure !== undefined || status === 0 ? 'failed' : status < 400 ? 'good' : 'refused';
  const { start, end } = periodOf(request.span);
  return html`<figure>
<figcaption><span class="method">${oneLine(String(attributes[ATTR_HTTP_REQUEST_METHOD]))}</span>
<bdi class="url">${oneLine(String(attributes[ATTR_URL_FULL]))}</bdi>
<span class="outcome ${kind}">${failure === undefined ? '' : '✗ '}${failure ?? (status || 'no response')}</span>
<span class="total">${duration(end - start)}</span></figcaption>
<div class="waterfall">
<div class="axis" aria-hidden="true">${ticks(whole)}</div>
<ol class="rows">${flatten(request).map((row) => rowOf(row, whole))}</ol>
</div>
${failures(request).map((line) => html`<p class="problem"><bdi>${line}</bdi></p>`)}${recoveries(request).map(
  (line) => html`<p class="recovery"><bdi>${line}</bdi></p>`,
)}<ul class="facts">${factsOf(request, spans).map((fact) => html`<li><bdi>${oneLine(fact)}</bdi></li>`)}</ul>
</figure>
`;
}

/** The class of a bar: its colour. */
export function classOf({ span, depth }: Pick<Row, 'span' | 'depth'>): string {
  return depth === 0 ? 'request' : `${span.name.replace(/^http\./, '').replace(/\W/g, '')}`;
}

function rowOf(row: Row, whole: Period): Markup {
  const { span, depth, children } = row;
  const failed = depth > 0 && isFailedPhase(span);
  const period = periodOf(span);
  const [from, to] = [percent(period.start, whole), percent(period.end, whole)];
  const id = `tip${++lastId}`;
  const shape = `bar ${classOf(row)}${children.length > 0 ? ' around' : ''}${failed ? ' failed' : ''}`;
  return html`<li class="row" tabindex="0" aria-describedby="${id}"><span class="name" style="--depth:${depth}">${span.name}</span>
<span class="track" aria-hidden="true"><span class="${shape}" style="left:${from.toFixed(3)}%;width:${(to - from).toFixed(3)}%"></span>${span.events.map(
    (event) => html`<span class="mark" style="left:${percent(timeOf(event), whole).toFixed(3)}%"></span>`,
  )}</span>
<span class="time${failed ? ' failed' : ''}">${failed ? '✗ ' : ''}${duration(period.end - period.start)}</span>
${tip(id, span, whole.start)}</li>
`;
}

/** Where a time is, from left to right; what comes after the picture (a connection is given back when the request is over) is at its end. */
function percent(time: number, { start, end }: Period): number {
  const share = (time - start) / Math.max(end - start, Number.EPSILON);
  return 100 * Math.min(Math.max(share, 0), 1);
}

/** At most five lines, at round times. */
function ticks({ start, end }: Period): Markup[] {
  const length = end - start;
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(length, 0.001) / 5));
  const step = [1, 2, 5, 10].map((n) => n * magnitude).find((each) => length / each <= 5) ?? length;
  const times = Array.from({ length: Math.floor(length / step) + 1 }, (_, i) => i * step);
  return times.map((time) => {
    const share = time / length;
    // The last label stands before its line where it would stick out behind it.
    return html`<span class="tick${share > 0.88 && ' late'}" style="left:${(100 * share).toFixed(3)}%"><span>${time === 0 ? '0' : brief(time)}</span></span>`;
  });
}

/** `5 ms`: a round time needs no zeros. */
function brief(time: number): string {
  return duration(time).replace(/\.0+ |(\.\d*?[1-9])0+ /, '$1 ');
}
