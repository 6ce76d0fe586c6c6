import { createHash } from 'node:crypto';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import * as names from 'opentelemetry-instrumentation-httptrace';
import { type Period, treeOf, wholePeriod } from '../layout';
import { figure } from './figure';
import { html, Markup } from './markup';
import { STYLE } from './style';

/** Some requests that belong together. */
export interface Section {
  readonly title: string;
  /** What to look for. */
  readonly note?: string;
  /** The spans of each request. */
  readonly requests: readonly (readonly ReadableSpan[])[];
  /** They ran at the same time, and are drawn on one time scale. */
  readonly together?: boolean;
}

/** Escape takes away what is shown of a span, as anywhere, until something else is pointed at or focused. */
const SCRIPT = `addEventListener('keydown', (event) => { if (event.key === 'Escape') document.body.classList.add('quiet'); });
for (const type of ['mousemove', 'focusin']) addEventListener(type, () => document.body.classList.remove('quiet'));`;

const PHASES: readonly (readonly [string, string])[] = [
  ['getconn', 'until there is a connection'],
  ['dns', 'the name is looked up'],
  ['connect', 'TCP connects'],
  ['tls', 'TLS shakes hands'],
  ['send', 'the body is sent'],
  ['wait', 'until the first byte'],
  ['receive', 'the response is read'],
];

/** A page that needs nothing but itself. */
export function page(sections: readonly Section[]): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Inside HTTP requests</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>Inside HTTP requests</h1>
<p>Point at a bar, or move to it with the Tab key, for its attributes.</p>
<ul class="legend" aria-label="Colours">${PHASES.map(
    ([phase, meaning]) =>
      html`<li><span class="bar ${phase}${phase === 'getconn' && ' around'}" aria-hidden="true"></span><span><b>http.${phase}</b> ${meaning}</span></li>`,
  )}<li><span class="bar failed" aria-hidden="true"></span><span><b>✗</b> failed</span></li><li><span class="mark" aria-hidden="true"></span><span>an event</span></li></ul>
</header>
<main>
${arrange(sections).map(arranged)}</main>
<footer><p>${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · Node.js ${process.version} · opentelemetry-instrumentation-httptrace</p></footer>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** Sections that are compared: a new connection, and what came after it on the same one. */
function arrange(sections: readonly Section[]): Section[][] {
  const groups: Section[][] = [];
  for (const section of sections) {
    const group = groups.at(-1);
    if (group !== undefined && continues(group, section)) group.push(section);
    else groups.push([section]);
  }
  return groups;
}

function continues([first]: readonly Section[], next: Section): boolean {
  const cold = first && connectionOf(first);
  const reused = connectionOf(next);
  if (cold === undefined || reused === undefined) return false;
  return cold.id === reused.id && !cold.reused && reused.reused;
}

function connectionOf({ requests }: Section): { id: unknown; reused: boolean } | undefined {
  const [spans] = requests;
  const attributes = requests.length === 1 && spans ? treeOf(spans)?.span.attributes : undefined;
  const id = attributes?.[names.ATTR_HTTP_CONN_ID];
  return id === undefined ? undefined : { id, reused: attributes?.[names.ATTR_HTTP_CONN_REUSED] === true };
}

/** What is side by side has one scale, and each its own beginning. */
function arranged(group: readonly Section[]): Markup {
  const longest = Math.max(...group.map(({ requests }) => lengthOf(wholePeriod(requests.flat()))));
  const sections = group.map(({ title, note, requests, together }) => {
    const all = wholePeriod(requests.flat());
    const figures = requests.map((spans) => {
      const { start } = together ? all : wholePeriod(spans);
      return figure(spans, {
        start,
        end: start + (group.length > 1 ? longest : lengthOf(together ? all : wholePeriod(spans))),
      });
    });
    return html`<section><h2><bdi>${title}</bdi></h2>${note && html`<p class="note">${note}</p>`}
${figures}</section>
`;
  });
  return group.length === 1
    ? html`${sections}`
    : html`<div class="compared">${sections}</div>
`;
}

function lengthOf({ start, end }: Period): number {
  return end - start;
}
