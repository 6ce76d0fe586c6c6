import type { JaegerSpan, JaegerTrace } from './jaeger';

/** The span that has no parent in its trace. */
export function rootOf(trace: JaegerTrace): JaegerSpan {
  const root = trace.spans.find((span) => parentOf(trace, span) === undefined);
  if (root === undefined) throw new Error(`${trace.traceID} has no root`);
  return root;
}

export function parentOf(trace: JaegerTrace, span: JaegerSpan): JaegerSpan | undefined {
  const parent = span.references.find(({ refType }) => refType === 'CHILD_OF');
  return parent && trace.spans.find(({ spanID }) => spanID === parent.spanID);
}

/** In the order of their starts. */
export function childrenOf(trace: JaegerTrace, parent: JaegerSpan): JaegerSpan[] {
  return trace.spans
    .filter((span) => parentOf(trace, span) === parent)
    .sort((a, b) => a.startTime - b.startTime);
}

/** The names of a span and what is below it: `GET > { http.getconn > { http.dns }, http.wait }`. */
export function treeOf(trace: JaegerTrace, span: JaegerSpan): string {
  const below = childrenOf(trace, span).map((child) => treeOf(trace, child));
  return below.length === 0 ? span.operationName : `${span.operationName} > { ${below.join(', ')} }`;
}

/** A tag's value, with Jaeger's type of it. */
export function tag(span: JaegerSpan, key: string): unknown {
  return span.tags.find((each) => each.key === key)?.value;
}

/** The spans that a span has links to, which Jaeger calls references. */
export function linksOf(trace: JaegerTrace, span: JaegerSpan): (JaegerSpan | undefined)[] {
  return span.references
    .filter(({ refType }) => refType === 'FOLLOWS_FROM')
    .map((link) => trace.spans.find(({ spanID }) => spanID === link.spanID));
}

const SHOWN = /^(http\.conn\.(reused|idle_time|wait_time)|error\.type|url\.full)$/;

/** A trace for people: a line a span. */
export function* linesOf(trace: JaegerTrace, span = rootOf(trace), indent = ''): Generator<string> {
  const tags = span.tags.filter(({ key }) => SHOWN.test(key)).map(({ key, value }) => `${key}=${value}`);
  const duration = `${(span.duration / 1000).toFixed(2)} ms`.padStart(11);
  yield [`${indent}${span.operationName}`.padEnd(30), duration, ' ', ...tags].join(' ').trimEnd();
  for (const child of childrenOf(trace, span)) yield* linesOf(trace, child, `${indent}  `);
}
