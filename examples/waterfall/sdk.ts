import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';
import { SpanCollector } from './collector';
import { otlpProcessors, reportFailedExport } from './otlp';

/** The spans that the SDK has exported: all that a waterfall is drawn from. */
export const collector = new SpanCollector();

const serviceName = process.env.OTEL_SERVICE_NAME || 'httptrace-waterfall';

const provider = new TracerProvider({
  resource: defaultResource().merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: serviceName })),
  // Whatever OTEL_TRACES_SAMPLER says: a request that is not sampled cannot be drawn.
  sampler: new AlwaysOnSampler(),
  spanProcessors: [new SimpleSpanProcessor({ exporter: collector }), ...otlpProcessors()],
});
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

registerInstrumentations({
  instrumentations: [
    // The local servers run in this process too; the demo is about clients.
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    new HttpTraceInstrumentation({ mode: 'spans' }),
  ],
});

/** Sends what has not been sent yet. */
export async function shutdown(): Promise<void> {
  await provider.shutdown().catch(reportFailedExport);
}
