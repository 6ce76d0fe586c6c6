import type { Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

/** What was measured with some attributes: a number of connections, or how many durations of which sum, in seconds. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
  readonly sum: number;
  readonly boundaries: readonly number[];
}

/** A real SDK with a periodic reader, whose period ends when it is told. */
export interface TestMeters {
  readonly provider: MeterProvider;
  /** Collects and exports; returns what was exported of a metric. */
  read(name: string): Promise<Point[]>;
  /** The same of all metrics, one line each: `dns.lookup.duration dns.question.name=localhost 1`. */
  lines(): Promise<string[]>;
}

export function meters(): TestMeters {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const readAll = async () => {
    exporter.reset();
    await reader.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  };
  return {
    provider,
    read: async (name) =>
      (await readAll())
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => pointOf(attributes, value))),
    lines: async () =>
      (await readAll())
        .flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) =>
            [
              descriptor.name,
              ...Object.entries(attributes).map(([key, of]) => `${key}=${of}`),
              pointOf(attributes, value).value,
            ].join(' '),
          ),
        )
        .sort(),
  };
}

function pointOf(attributes: Attributes, value: unknown): Point {
  if (typeof value === 'number') return { attributes, value, sum: 0, boundaries: [] };
  const { count, sum = 0, buckets } = value as Histogram;
  return { attributes, value: count, sum, boundaries: buckets.boundaries };
}

/** How many connections to a port are said to be open. */
export async function openConnections(from: TestMeters, port: number) {
  const points = await from.read('http.client.open_connections');
  const of = (state: string) =>
    points.find(
      ({ attributes }) => attributes['server.port'] === port && attributes['http.connection.state'] === state,
    )?.value;
  return { active: of('active'), idle: of('idle') };
}
