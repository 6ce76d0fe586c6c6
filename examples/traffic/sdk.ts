import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from 'opentelemetry-instrumentation-httptrace';

/** An SDK that runs. */
export interface Sdk {
  /** Sends what has not been sent yet; returns the first export that failed, ever. */
  shutdown(): Promise<Error | undefined>;
}

/** Starts an SDK as applications do, and the instrumentations of requests beside ours. */
export function startSdk(options: { readonly metrics: boolean }): Sdk {
  const failures: Error[] = [];
  setGlobalErrorHandler((error) => {
    failures.push(error instanceof Error ? error : new Error(String(error)));
  });
  const serviceName = process.env.OTEL_SERVICE_NAME || 'httptrace-traffic';
  const resource = defaultResource().merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: serviceName }));

  const tracerProvider = new TracerProvider({
    resource,
    spanProcessors: [
      // So that the spans of fetch, too, say whether their connection was reused.
      new HttpTraceSpanProcessor(),
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter() }),
    ],
  });
  trace.setGlobalTracerProvider(tracerProvider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());

  const meterProvider = new MeterProvider({ resource, readers: options.metrics ? [everyFiveSeconds()] : [] });
  metrics.setGlobalMeterProvider(meterProvider);

  registerInstrumentations({
    instrumentations: [
      // The servers run in this process too, and are not what is to be seen.
      new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
      new UndiciInstrumentation(),
      new HttpTraceInstrumentation(),
    ],
  });
  return {
    shutdown: async () => {
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]).catch((error) => {
        failures.push(error);
      });
      return failures[0];
    },
  };
}

/** A minute, the default, is long for who looks at a dashboard and waits. */
function everyFiveSeconds(): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: 5_000,
    exportTimeoutMillis: 5_000,
  });
}
