import { context, type HrTime, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { HttpInstrumentation, type HttpInstrumentationConfig } from '@opentelemetry/instrumentation-http';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

/** A real SDK that keeps what it exports. */
export const exporter = new InMemorySpanExporter();

/** Registers the SDK and a context manager: once in a process. */
export function registerSdk(sampler?: Sampler): TracerProvider {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new TracerProvider({
    ...(sampler && { sampler }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  trace.setGlobalTracerProvider(provider);
  return provider;
}

/** A context manager without an SDK, which is all that hooks need. */
export function registerContextManager(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

/** The exported client spans, in the order of their starts. */
export function clientSpans(): ReadableSpan[] {
  return inOrder(exporter.getFinishedSpans().filter((span) => span.kind === SpanKind.CLIENT));
}

/** The exported client span of a path. */
export function clientSpan(path: string): ReadableSpan {
  const found = clientSpans().find((span) => isFor(span, path));
  if (found === undefined) throw new Error(`no client span for ${path}`);
  return found;
}

/** Whether it is the span of a request for this path, whatever the query. */
function isFor(span: ReadableSpan, path: string): boolean {
  return String(span.attributes['url.full']).replace(/\?.*$/, '').endsWith(path);
}

/** The exported children of a span, in the order of their starts. */
export function childrenOf(parent: ReadableSpan): ReadableSpan[] {
  const { spanId } = parent.spanContext();
  return inOrder(exporter.getFinishedSpans().filter((span) => span.parentSpanContext?.spanId === spanId));
}

/** A child by its name. */
export function childOf(parent: ReadableSpan, name: string): ReadableSpan {
  const found = childrenOf(parent).find((span) => span.name === name);
  if (found === undefined) throw new Error(`${parent.name} has no child ${name}: ${tree(parent)}`);
  return found;
}

/** The names of a span and what is below it: `GET > { http.getconn > { http.dns }, http.wait }`. */
export function tree(span: ReadableSpan): string {
  const below = childrenOf(span).map(tree).join(', ');
  return below === '' ? span.name : `${span.name} > { ${below} }`;
}

export function nanos([seconds, rest]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}

export function milliseconds(span: ReadableSpan): number {
  return span.duration[0] * 1e3 + span.duration[1] / 1e6;
}

function inOrder(spans: ReadableSpan[]): ReadableSpan[] {
  return spans.sort((a, b) => Number(nanos(a.startTime) - nanos(b.startTime)));
}

/** Registers `@opentelemetry/instrumentation-http`, which patches what is required after it. */
export function registerHttpInstrumentation(config: HttpInstrumentationConfig = {}): HttpInstrumentation {
  const instrumentation = new HttpInstrumentation(config);
  require('node:http');
  require('node:https');
  return instrumentation;
}

/** Waits until the exporter has the children of the client span of a path, the last of which is `name`. */
export async function written(path: string, name = 'http.receive'): Promise<ReadableSpan> {
  for (let i = 0; i < 2000; i++) {
    const span = clientSpans().find((each) => isFor(each, path));
    if (span !== undefined && childrenOf(span).some((child) => child.name === name)) return span;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${name} of ${path} was never written`);
}
