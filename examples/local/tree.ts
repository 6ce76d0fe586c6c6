import type { InMemorySpanExporter, ReadableSpan } from '@opentelemetry/sdk-trace';

/** Prints each request with its phases below it, and what its span tells of the connection. */
export function printTrees(exporter: InMemorySpanExporter): void {
  const spans = exporter.getFinishedSpans();
  const print = (span: ReadableSpan, indent = ''): void => {
    const [seconds, nanos] = span.duration;
    console.log(`${indent}${span.name}`.padEnd(20), `${(seconds * 1e3 + nanos / 1e6).toFixed(3)} ms`);
    for (const child of spans)
      if (child.parentSpanContext?.spanId === span.spanContext().spanId) print(child, `${indent}  `);
  };
  for (const span of spans) {
    if (span.parentSpanContext !== undefined) continue;
    print(span);
    console.log(span.attributes);
  }
}
