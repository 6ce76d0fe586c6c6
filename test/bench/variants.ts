import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { type Instrumentation, registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import {
  HttpTraceInstrumentation,
  type HttpTraceInstrumentationConfig,
  HttpTraceSpanProcessor,
  withClientTrace,
} from '../../src';
import { isolate } from '../../src/compose';
import { HOOKS } from '../../src/hooks';
import { watch } from './least';
import { finishedSpans } from './least/finished';
import { HOOKS_KEY } from './least/seen';
import { attributes, events, spans, type Teller } from './least/told';

/** Peers are heavy, and no dependencies: where they are installed when the benchmark is run. */
export const PEERS = join(__dirname, '../../../node_modules/.cache/bench');
export const PEER_PACKAGES = [
  '@opentelemetry/instrumentation-net@^0.67',
  '@opentelemetry/instrumentation-dns@^0.66',
  'dd-trace@^6',
];

/** What runs in the process, beside the requests. */
export interface Variant {
  readonly name: string;
  readonly needsPeers?: boolean;
  /**
   * Called before anything is requested; returns what wraps a request and what is to be done after a round.
   * @param exporter - where spans go, if it is one of OpenTelemetry's; usually nowhere
   */
  setUp(exporter?: SpanExporter): Running;
}

export interface Running {
  around?(request: () => void): void;
  flush?(): Promise<void>;
}

const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};

interface Sdk {
  readonly sampled?: boolean;
  readonly peers?: readonly string[];
  readonly config?: HttpTraceInstrumentationConfig;
  readonly finished?: boolean;
  readonly hooks?: boolean;
  readonly least?: (provider: TracerProvider, processor: SpanProcessor) => Teller;
}

function sdk(options: Sdk): Variant['setUp'] {
  return (exporter = nowhere) => running(options, exporter);
}

function running(
  { sampled = true, peers = [], config, finished = false, hooks = false, least }: Sdk,
  exporter: SpanExporter,
): Running {
  // A queue that never overflows: no variant is cheaper because it drops spans.
  const batch = new BatchSpanProcessor({ exporter, maxQueueSize: 1 << 20, scheduledDelayMillis: 1000 });
  const provider = new TracerProvider({
    sampler: sampled ? new AlwaysOnSampler() : new AlwaysOffSampler(),
    spanProcessors: [finished ? new HttpTraceSpanProcessor(batch) : batch],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const instrumentations: Instrumentation[] = [new HttpInstrumentation(), new UndiciInstrumentation()];
  const require = createRequire(join(PEERS, 'package.json'));
  for (const peer of peers) {
    const exported: Record<string, new () => Instrumentation> = require(peer);
    const [Peer] = Object.values(exported).filter(({ name }) => name?.endsWith('Instrumentation'));
    if (Peer !== undefined) instrumentations.push(new Peer());
  }
  if (config !== undefined) instrumentations.push(new HttpTraceInstrumentation(config));
  registerInstrumentations({ tracerProvider: provider, instrumentations });
  if (least !== undefined) watch(least(provider, batch));
  const empty = Object.fromEntries(HOOKS.map((hook) => [hook, () => {}]));
  const ctx = !hooks
    ? undefined
    : least === undefined
      ? withClientTrace(context.active(), empty)
      : context.active().setValue(HOOKS_KEY, isolate(empty));
  return {
    flush: () => provider.forceFlush(),
    ...(ctx && { around: (request: () => void) => context.with(ctx, request) }),
  };
}

/** dd-trace with all of its products that are not tracing switched off; what it has traced is dropped. */
function datadog(): Running {
  for (const product of [
    'INSTRUMENTATION_TELEMETRY',
    'REMOTE_CONFIGURATION',
    'RUNTIME_METRICS',
    'PROFILING',
    'APPSEC',
  ])
    process.env[`DD_${product}_ENABLED`] = 'false';
  Object.assign(process.env, {
    DD_TRACE_STARTUP_LOGS: 'false',
    DD_TRACE_AGENT_URL: 'http://127.0.0.1:9',
    DD_CRASHTRACKING_ENABLED: 'false',
  });
  const tracer = createRequire(join(PEERS, 'package.json'))('dd-trace').init({ flushInterval: 1e9 });
  tracer._tracer._processor._exporter.export = () => {};
  return {};
}

const NET_DNS = ['@opentelemetry/instrumentation-net', '@opentelemetry/instrumentation-dns'];

/** What ours is beside; all but the first and dd-trace have instrumentation-http and instrumentation-undici, as have all that follow. */
const OTHERS: readonly Variant[] = [
  { name: 'Node alone', setUp: () => ({}) },
  { name: 'instrumentation-http, -undici', setUp: sdk({}) },
  { name: 'the same, nothing sampled', setUp: sdk({ sampled: false }) },
  { name: '+ instrumentation-net, -dns', needsPeers: true, setUp: sdk({ peers: NET_DNS }) },
  { name: 'dd-trace', needsPeers: true, setUp: datadog },
  { name: "+ httptrace, mode 'off'", setUp: sdk({ config: { mode: 'off' } }) },
  { name: '+ httptrace, nothing sampled', setUp: sdk({ sampled: false, config: {} }) },
];

/** Those that tell something, each with the least that tells the same. */
const TELLING: readonly [ours: Variant, least: Variant][] = [
  [
    { name: '+ httptrace, all hooks, empty', setUp: sdk({ config: { mode: 'off' }, hooks: true }) },
    { name: 'least: all hooks, empty', setUp: sdk({ hooks: true, least: () => ({}) }) },
  ],
  [
    { name: "+ httptrace, mode 'attributes'", setUp: sdk({ config: { mode: 'attributes' } }) },
    { name: 'least: attributes', setUp: sdk({ least: () => attributes }) },
  ],
  [
    { name: "+ httptrace, mode 'events'", setUp: sdk({ config: { mode: 'events' } }) },
    { name: 'least: events', setUp: sdk({ least: () => events }) },
  ],
  [
    { name: "+ httptrace, mode 'spans'", setUp: sdk({ config: {} }) },
    { name: 'least: spans', setUp: sdk({ least: (provider) => spans(provider.getTracer('least')) }) },
  ],
  [
    { name: "+ httptrace, mode 'spans', cheap", setUp: sdk({ config: {}, finished: true }) },
    { name: 'least: spans, cheap', setUp: sdk({ least: (_, processor) => finishedSpans(processor) }) },
  ],
];

/** In the order of the table, and named by their rows. */
const COMPARED = [...OTHERS, ...TELLING.map(([ours]) => ours)];
export const VARIANTS: readonly Variant[] = [...COMPARED, ...TELLING.map(([, least]) => least)];
/** Those of the table; they come first. */
export const ROWS = [...COMPARED.keys()];
export const BASE = 1;
export const CHEAP = COMPARED.length - 1;
/** Those of which it is told what they leave behind. */
export const RECORDING = [BASE, ...ROWS.slice(OTHERS.length)];
/** Each of ours, and the least that tells the same. */
export const PAIRS = TELLING.map((_, i) => [OTHERS.length + i, COMPARED.length + i] as const);

export function nameOf(variant: number): string {
  return VARIANTS[variant]?.name ?? '';
}

export function hasPeers(): boolean {
  return existsSync(join(PEERS, 'node_modules/dd-trace'));
}
