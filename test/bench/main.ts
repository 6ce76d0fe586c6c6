import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allocations, costs } from './costs';
import { installPeers, startServer } from './processes';
import { retained, scale, throughput } from './scale';
import type { Session } from './session';
import { table } from './statistics';
import { BASE, hasPeers, nameOf, PAIRS, PEERS, ROWS, VARIANTS } from './variants';
import { WORKLOADS } from './workloads';

// What requests cost, beside instrumentations that show less:
//
//   npm run bench              at most ten minutes; Markdown tables at the end
//   npm run bench -- --minutes 5   fewer rounds: five minutes instead of nine
//   npm run bench -- --least   beside the least programs that tell the same of http, which no other can go below by much
//   npm run bench -- --quick   seconds: whether it runs, its figures mean nothing
//
// All variants run in one session, one process each, one round after the other in changing order: what disturbs the machine disturbs all of
// them. Ratios are taken round by round. A round is some 50 ms; what its spans cost to be exported to nowhere is part of it.
// Each measurement has its share of the time, and makes as many rounds as there is time for.

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    least: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '9' },
  },
});
const isQuick = values.quick;
const MINUTE = 60_000;
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`bench: --minutes takes a number, not '${values.minutes}'`);
  process.exit(2);
}

/** The variants that can be measured here. */
function available(): readonly number[] {
  if (values.least) return [BASE, ...PAIRS.flat()];
  const isThere = hasPeers() || (!isQuick && installPeers());
  return ROWS.filter((variant) => isThere || !VARIANTS[variant]?.needsPeers);
}

let told = '';
function progress(text: string): void {
  if (text !== told) process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  told = text;
}

/** What was measured, and where. */
function versions(): string {
  const versionOf = (name: string, folder: string) => {
    const manifest = join(folder, 'node_modules', name, 'package.json');
    return existsSync(manifest) ? [`${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`] : [];
  };
  const ours = ['sdk-trace', 'instrumentation-http', 'instrumentation-undici'];
  const peers = ['@opentelemetry/instrumentation-net', '@opentelemetry/instrumentation-dns', 'dd-trace'];
  const names = [
    ...ours.flatMap((name) => versionOf(`@opentelemetry/${name}`, join(__dirname, '../../..'))),
    ...peers.flatMap((name) => versionOf(name, PEERS)),
  ];
  return `Node ${process.version}, ${names.join(', ').replaceAll('@opentelemetry/', '')}; ${cpus().length} × ${cpus()[0]?.model.trim()}`;
}

const CPU = `CPU time of a request, and its ratio to that with ${nameOf(BASE)} alone: the median, and of the ratio the quartiles.`;

/** Beside the least that tells the same. */
async function least(session: Session, until: number): Promise<void> {
  const workloads = WORKLOADS.slice(0, 2);
  const cells = await costs(session, until, workloads);
  const rows = session.variants.map((variant) => [nameOf(variant), ...(cells.get(variant) ?? [])]);
  console.log(`\n${versions()}\n\n${CPU}\n`);
  console.log(table(['', ...workloads.map(({ name }) => name)], rows));
}

async function main(): Promise<void> {
  const begun = Date.now();
  /** When so much of the time is over. */
  const at = (share: number) => begun + share * minutes * MINUTE;
  const variants = available();
  const { server, stop } = await startServer();
  const session: Session = { server, variants, isQuick, progress };
  if (values.least) {
    await least(session, at(1));
    return stop();
  }
  const cells = await costs(session, at(0.62));
  const bytes = await allocations(session);
  const speed = await throughput(session, at(0.7));
  const kept = await retained(session, at(0.86));
  const curves = await scale(session, at(1));
  stop();
  progress(`${((Date.now() - begun) / MINUTE).toFixed(1)} minutes`);

  const kinds = WORKLOADS.map(({ name }) => name);
  const rows = ROWS.map((variant) => [
    nameOf(variant),
    ...(cells.get(variant) ?? kinds.map(() => 'skipped')),
    bytes.get(variant) ?? 'skipped',
  ]);
  const alone = nameOf(BASE);
  const beside = [`with ${alone} alone`, 'and with cheap spans'];
  console.log(`\n${versions()}\n\n${CPU}\n`);
  console.log(table(['', ...kinds, 'allocated: http, reused'], rows));
  console.log('\nRequests a second at concurrency 32: the median and the quartiles.\n');
  console.log(table(['', ...beside, 'ratio'], [['http, reused', ...speed]]));
  console.log(
    '\nCPU time of a request, http on a reused connection, while connections are open, µs: the median and the quartiles.\n',
  );
  console.log(table(['open', ...beside, 'ratio'], curves));
  console.log(
    '\nWhat requests leave on the heap: http on reused connections, at concurrency 32; and what each of 1,000 idle connections keeps there.\n',
  );
  console.log(
    table(
      ['', 'requests', 'KB', 'bytes of a request', 'KB, portion by portion', 'bytes of a connection'],
      kept,
    ),
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
