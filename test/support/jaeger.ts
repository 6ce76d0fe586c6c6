import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from './daemon';
import { findJaeger } from './tools';

/** A span as Jaeger's query API tells it: times in microseconds. */
export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { refType: 'CHILD_OF' | 'FOLLOWS_FROM'; traceID: string; spanID: string }[];
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly { key: string; type: string; value: unknown }[];
  readonly warnings: readonly string[] | null;
}
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
}

/** What a search form of Jaeger asks for. */
export interface Search {
  readonly service: string;
  readonly operation?: string;
  readonly tags?: Record<string, string>;
  readonly minDuration?: string;
}

/** A Jaeger that runs. */
export interface Jaeger {
  /** Where spans are sent to. */
  readonly otlp: string;
  search(search: Search): Promise<JaegerTrace[]>;
  close(): Promise<void>;
}

/** Why there is none: for a test to say that it is skipped. */
export function noJaeger(): string | false {
  if (process.env.JAEGER_URL) return false;
  const found = findJaeger();
  return 'missing' in found && `${found.missing}; or set JAEGER_URL to one that runs`;
}

/**
 * The Jaeger that runs at `JAEGER_URL`, which takes spans where `OTEL_EXPORTER_OTLP_ENDPOINT` says, or by default on port 4318;
 * else one of our own, which keeps in memory what it is sent.
 */
export async function openJaeger(): Promise<Jaeger> {
  const running = process.env.JAEGER_URL;
  if (!running) return await startJaeger();
  const beside = new URL(running);
  beside.port = '4318';
  const otlp = process.env.OTEL_EXPORTER_OTLP_ENDPOINT || beside.origin;
  return { otlp, search: searchAt(running), close: async () => {} };
}

async function startJaeger(): Promise<Jaeger> {
  const found = findJaeger();
  if ('missing' in found) throw new Error(found.missing);
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-jaeger-'));
  const config = join(folder, 'jaeger.json');
  await writeFile(config, JSON.stringify(CONFIGURATION));
  const ready = (query: string) => `http://${query}/api/services`;
  const tells = [/"http_addr": "127\.0\.0\.1:(\d+)"/, TELLS_OTLP];
  const daemon = await startDaemon(found.bin, ['--config', config], ready, tells);
  const [query, otlp] = daemon.addresses;
  return {
    otlp: `http://${otlp}`,
    search: searchAt(`http://${query}`),
    close: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** What the receiver says, of a collector too. */
export const TELLS_OTLP = /"otelcol\.component\.id": "otlp",.*"endpoint": "127\.0\.0\.1:(\d+)"/;

/** Loopback only, and ports of the system's choice. */
const CONFIGURATION = {
  extensions: {
    jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
    jaeger_query: {
      storage: { traces: 'memory' },
      // Its own traces would go to whoever listens on port 4317.
      enable_tracing: false,
      http: { endpoint: '127.0.0.1:0' },
      grpc: { endpoint: '127.0.0.1:0' },
    },
  },
  receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0' } } } },
  exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  service: {
    extensions: ['jaeger_storage', 'jaeger_query'],
    pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    telemetry: { metrics: { level: 'none' } },
  },
};

function searchAt(origin: string): Jaeger['search'] {
  return async ({ tags, ...rest }) => {
    const url = new URL('/api/traces', origin);
    for (const [name, value] of Object.entries(rest)) url.searchParams.set(name, value);
    if (tags) url.searchParams.set('tags', JSON.stringify(tags));
    url.searchParams.set('limit', '1000');
    const response = await fetch(url);
    const { data, errors } = (await response.json()) as { data: JaegerTrace[]; errors: unknown };
    if (!response.ok || errors) throw new Error(`${url}: ${response.status} ${JSON.stringify(errors)}`);
    return data;
  };
}
