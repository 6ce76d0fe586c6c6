import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ATTR_HTTP_REQUEST_METHOD, ATTR_URL_FULL } from '@opentelemetry/semantic-conventions';
import type { Colors, Formatter } from 'picocolors/types';
import { factsOf } from './facts';
import { cellsOf, flatten, type Period, periodOf, type Row, treeOf, wholePeriod } from './layout';
import { failureOf, failures, isFailedPhase, recoveries, statusOf } from './outcome';
import { cut, duration, wrap } from './text';

export interface Style {
  /** Columns that no line exceeds. */
  readonly width: number;
  readonly colors: Colors;
}

/** `      http.connect ` */
const LABEL = 19;
/** ` ✗ 12.4 ms` */
const DURATION = 11;

const COLORS: Record<string, 'cyan' | 'yellow' | 'magenta' | 'green' | 'blue'> = {
  'http.dns': 'cyan',
  'http.connect': 'yellow',
  'http.tls': 'magenta',
  'http.send': 'green',
  'http.wait': 'blue',
  'http.receive': 'green',
};

/**
 * The waterfall of one request, in lines.
 * @param whole - the time that a bar over the full width stands for; requests that are compared share one
 */
export function draw(spans: readonly ReadableSpan[], style: Style, whole = wholePeriod(spans)): string[] {
  const request = treeOf(spans);
  if (request === undefined) return ['The SDK exported no span of this request.'];
  const { width, colors } = style;
  const notes = (paint: Formatter, items: readonly string[], separator: string) =>
    wrap(items, separator, width - 2).map((line) => paint(cut(`  ${line}`, width)));
  const words = (paint: Formatter) => (text: string) => notes(paint, text.split(' '), ' ');
  return [
    title(request, style),
    ...flatten(request).map((row) => bar(row, style, whole)),
    ...failures(request).flatMap(words(colors.red)),
    ...recoveries(request).flatMap(words(colors.yellow)),
    ...notes(colors.dim, factsOf(request, spans), ' · '),
  ];
}

/** `GET https://localhost:8443/cold            200  32.1 ms` */
function title(request: Row, { width, colors }: Style): string {
  const { span } = request;
  const failure = failureOf(request);
  const status = statusOf(request);
  const outcome = failure ?? String(status || 'no response');
  const time = duration(millisecondsOf(span));
  const room = Math.max(0, width - outcome.length - time.length - 4);
  const what = cut(`${span.attributes[ATTR_HTTP_REQUEST_METHOD]} ${span.attributes[ATTR_URL_FULL]}`, room);
  const paint =
    failure !== undefined || status === 0 ? colors.red : status < 400 ? colors.green : colors.yellow;
  if (room === 0) return paint(cut(outcome, width));
  return `${colors.bold(what.padEnd(room))}  ${paint(outcome)}  ${time}`;
}

/** A light bar for a span with others inside, a solid one for where the time was really spent. */
function bar({ span, depth, children }: Row, { width, colors }: Style, whole: Period): string {
  const failed = depth > 0 && isFailedPhase(span);
  const label = cut(`  ${'  '.repeat(depth)}${span.name}`, Math.min(LABEL - 1, width)).padEnd(LABEL);
  const time = `${failed ? '✗ ' : ''}${duration(millisecondsOf(span))}`.padStart(DURATION);
  const room = width - LABEL - DURATION;
  if (room < 1) return cut(`${label}${time.trim()}`, width);
  const { from, to } = cellsOf(periodOf(span), whole, room);
  const cells = (children.length > 0 ? '━' : '█').repeat(to - from);
  const paint = colors[failed ? 'red' : (COLORS[span.name] ?? 'gray')];
  const after = ' '.repeat(room - to);
  return `${label}${' '.repeat(from)}${paint(cells)}${after}${failed ? colors.red(time) : time}`;
}

function millisecondsOf(span: ReadableSpan): number {
  const { start, end } = periodOf(span);
  return end - start;
}
