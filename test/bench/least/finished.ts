import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { FinishedSpan } from '../../../src/sinks/finished';
import { childSpans, type Teller } from './told';

/** Child spans, handed over when they are finished, without the tracer. */
export function finishedSpans(processor: SpanProcessor): Teller {
  return childSpans<FinishedSpan>((_seen, span, clock, inside, phase, link) => {
    const made = new FinishedSpan(phase, (inside ?? span).spanContext(), clock, link, span);
    processor.onEnd(made as unknown as ReadableSpan);
    return made;
  });
}
