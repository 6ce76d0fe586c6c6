// Metrics of connections, lookups and queues, as Prometheus would scrape them.
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';
import { coldAndReused } from './local/two-requests';

// A program that runs for longer leaves out preventServerStart: Prometheus scrapes http://localhost:9464/metrics.
const reader = new PrometheusExporter({ preventServerStart: true });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
registerInstrumentations({ instrumentations: [new HttpTraceInstrumentation()] });

coldAndReused().then(async () => {
  const { resourceMetrics } = await reader.collect();
  console.log(new PrometheusSerializer().serialize(resourceMetrics));
});
