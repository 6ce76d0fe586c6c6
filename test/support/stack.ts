import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Daemon, freePorts, startDaemon } from './daemon';
import { TELLS_OTLP } from './jaeger';
import { serve } from './servers';
import { type Found, findJaeger, findPrometheus, findTempo } from './tools';

/** The folder of the example, whose files are used as they are, but for addresses and for how often things happen. */
export const EXAMPLE = join(__dirname, '../../../examples/grafana');

/** What examples/grafana starts, without containers, and without Grafana. */
export interface Stack {
  /** Where spans and metrics are sent to. */
  readonly otlp: string;
  readonly prometheus: string;
  /** Undefined without Tempo: its spans are then taken by a server of the test. */
  readonly tempo: string | undefined;
  /** How often that server was given spans. */
  passedOn(): number;
  close(): Promise<void>;
}

/** Why there is none: for a test to say that it is skipped. */
export function noStack(): string | false {
  const missing = [findJaeger(), findPrometheus()].flatMap((found) =>
    'missing' in found ? found.missing : [],
  );
  return missing.length > 0 && missing.join('; ');
}

export async function openStack(): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-stack-'));
  let passedOn = 0;
  const sink = await serve((req, res) => {
    if (req.url === '/v1/traces') passedOn++;
    req.resume().on('end', () => res.end());
  });
  const daemons: Daemon[] = [];
  const close = async () => {
    for (const daemon of daemons) await daemon.stop();
    await sink.close();
    await rm(folder, { recursive: true });
  };
  const start = async (starting: Promise<Daemon>) => {
    const daemon = await starting;
    daemons.push(daemon);
    return daemon.addresses[0] ?? '';
  };
  try {
    // Of these none tells its port: Tempo, and what the collector exports to Prometheus.
    const [exported = '', ...tempos] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
    const [tempo = '', spans = '', internal = ''] = 'missing' in findTempo() ? [] : tempos;
    if (tempo) await start(startTempo(folder, tempo, spans, internal));
    const otlp = await start(startCollector(folder, spans ? `http://${spans}` : sink.origin, exported));
    const prometheus = await start(startPrometheus(folder, exported));
    return {
      otlp: `http://${otlp}`,
      prometheus: `http://${prometheus}`,
      tempo: tempo ? `http://${tempo}` : undefined,
      passedOn: () => passedOn,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Jaeger is an OpenTelemetry Collector, and has all that the example's is asked for. */
async function startCollector(folder: string, tempo: string, exported: string) {
  const config = await configure(folder, 'collector.yaml', (read) => {
    read.receivers.otlp.protocols.http.endpoint = '127.0.0.1:0';
    read.connectors.spanmetrics.metrics_flush_interval = '1s';
    read.exporters['otlphttp/tempo'].endpoint = tempo;
    read.exporters.prometheus.endpoint = exported;
    read.service.telemetry = { metrics: { level: 'none' } };
  });
  const ready = () => `http://${exported}/metrics`;
  return await startDaemon(binOf(findJaeger()), ['--config', config], ready, [TELLS_OTLP]);
}

async function startPrometheus(folder: string, exported: string) {
  const config = await configure(folder, 'prometheus.yaml', (read) => {
    read.global.scrape_interval = '1s';
    read.scrape_configs[0].static_configs[0].targets = [exported];
  });
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    '--web.listen-address=127.0.0.1:0',
    '--enable-feature=exemplar-storage',
  ];
  const ready = (address: string) => `http://${address}/-/ready`;
  // In versions 2 and 3: other words stand before these, and between.
  return await startDaemon(binOf(findPrometheus()), args, ready, [
    /msg="Listening on".* address=127\.0\.0\.1:(\d+)/,
  ]);
}

async function startTempo(folder: string, address: string, spans: string, internal: string) {
  const config = await configure(folder, 'tempo.yaml', (read) => {
    const [host, port] = address.split(':');
    read.server = {
      http_listen_address: host,
      http_listen_port: Number(port),
      grpc_listen_address: host,
      grpc_listen_port: Number(internal.split(':')[1]),
    };
    read.distributor.receivers.otlp.protocols.http.endpoint = spans;
    read.storage.trace.wal.path = join(folder, 'wal');
    read.storage.trace.local.path = join(folder, 'blocks');
    read.query_frontend.query_end_cutoff = '1s';
  });
  const ready = () => `http://${address}/status/version`;
  return await startDaemon(binOf(findTempo()), [`-config.file=${config}`], ready);
}

// biome-ignore lint/suspicious/noExplicitAny: a configuration has the shape that its reader wants.
type Change = (read: any) => void;

async function configure(folder: string, name: string, change: Change): Promise<string> {
  const read = parse(await readFile(join(EXAMPLE, name), 'utf8'));
  change(read);
  await writeFile(join(folder, name), stringify(read));
  return join(folder, name);
}

function binOf(found: Found): string {
  if ('missing' in found) throw new Error(found.missing);
  return found.bin;
}
