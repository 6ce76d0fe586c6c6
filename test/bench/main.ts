import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, installPeers, startServer } from './processes';
import { median, ratio, table } from './statistics';
import { BASE, CHEAP, hasPeers, VARIANTS } from './variants';
import { type Server, WORKLOADS } from './workloads';

// What requests cost, beside instrumentations that show less:
//
//   npm run bench              at most ten minutes; Markdown tables at the end
//   npm run bench -- --minutes 3   fewer rounds: three minutes instead of seven
//   npm run bench -- --quick   seconds: whether it runs, its figures mean nothing
//
// All variants run in one session, one process each, one round after the other in changing order: what disturbs the machine disturbs all of
// them. Ratios are taken round by round. A round is some 50 ms; what its spans cost to be exported to nowhere is part of it.

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, minutes: { type: 'string', default: '7' } },
});
const isQuick = values.quick;
const MINUTE = 60_000;

/** Variants by their number; peers that cannot be installed are missing. */
function variants(): number[] {
  const isThere = hasPeers() || (!isQuick && installPeers());
  return [...VARIANTS.keys()].filter((variant) => isThere || !VARIANTS[variant]?.needsPeers);
}

function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

/** CPU time of a request, of each variant in each round. */
async function cpuTimes(server: Server, numbers: number[], workload: number, until: number) {
  const { name, count } = WORKLOADS[workload] ?? { name: '', count: 0 };
  const order = { what: 'run', workload, count: isQuick ? 2 : count, concurrency: 1 } as const;
  const clients = new Map<number, Client>();
  for (const variant of numbers) clients.set(variant, await Client.start(variant, server));
  const times = new Map<number, number[]>(numbers.map((variant) => [variant, []]));
  // The first rounds warm up.
  const warmUp = isQuick ? 0 : 15;
  for (let round = -warmUp; round < (isQuick ? 1 : 3) || (Date.now() < until && !isQuick); round++) {
    const turn = Math.abs(round) % numbers.length;
    for (const variant of [...numbers.slice(turn), ...numbers.slice(0, turn)]) {
      const { cpu = Number.NaN } = (await clients.get(variant)?.order(order)) ?? {};
      if (round >= 0) times.get(variant)?.push(cpu);
    }
    progress(`${name}: ${round < 0 ? 'warming up' : `round ${round + 1}`}`);
  }
  for (const client of clients.values()) client.stop();
  return times;
}

/** Bytes that a request allocates, http on a reused connection. */
async function allocations(server: Server, numbers: number[]): Promise<Map<number, number>> {
  const bytes = new Map<number, number>();
  for (const variant of numbers) {
    const client = await Client.start(variant, server, true);
    const order = { what: 'allocate', workload: 0, count: isQuick ? 5 : 800, concurrency: 1 } as const;
    const results: number[] = [];
    for (let i = 0; i < (isQuick ? 1 : 3); i++) results.push((await client.order(order)).bytes ?? Number.NaN);
    client.stop();
    bytes.set(variant, median(results.filter((each) => !Number.isNaN(each))));
    progress(`allocations: ${VARIANTS[variant]?.name}`);
  }
  return bytes;
}

/** What a request costs while so many connections to so many hosts are open, without us and with cheap spans, µs. */
async function scale(server: Server, sizes: readonly (readonly [number, number])[]): Promise<string[][]> {
  const rows: string[][] = [];
  for (const [connections, hosts] of sizes) {
    const row = [`${connections} connections, ${hosts} hosts`];
    for (const variant of [BASE, CHEAP]) {
      const client = await Client.start(variant, server);
      const { cpu } = await client.order({ what: 'open', connections, hosts, count: isQuick ? 3 : 2_000 });
      client.stop();
      row.push(cpu?.toFixed(0) ?? '–');
    }
    progress(`scale: ${row.join(' · ')}`);
    rows.push(row);
  }
  return rows;
}

/** Requests a second at concurrency 32, with cheap spans to without us. */
async function throughput(server: Server): Promise<string> {
  const clients = [await Client.start(BASE, server), await Client.start(CHEAP, server)];
  const order = { what: 'run', workload: 0, count: isQuick ? 40 : 1_000, concurrency: 32 } as const;
  const walls: number[][] = [[], []];
  for (let round = isQuick ? 0 : -5; round < (isQuick ? 2 : 30); round++)
    for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const { wall = Number.NaN } = (await clients[i]?.order(order)) ?? {};
      if (round >= 0) walls[i]?.push(wall);
    }
  for (const client of clients) client.stop();
  progress('throughput');
  return ratio(walls[0] ?? [], walls[1] ?? []);
}

function versions(): string {
  const manifest = (name: string) =>
    JSON.parse(readFileSync(join(__dirname, '../../../node_modules', name, 'package.json'), 'utf8')).version;
  const packages = ['sdk-trace', 'instrumentation-http', 'instrumentation-undici'];
  const texts = packages.map((name) => `${name} ${manifest(`@opentelemetry/${name}`)}`);
  return `Node ${process.version}, ${texts.join(', ')}; ${cpus().length} × ${cpus()[0]?.model.trim()}`;
}

async function main(): Promise<void> {
  const begun = Date.now();
  const numbers = variants();
  const { server, stop } = await startServer();
  const cells = new Map<number, string[]>(numbers.map((variant) => [variant, []]));
  for (const workload of WORKLOADS.keys()) {
    // Of ten minutes seven are for the rounds; what is left is for all that follows.
    const until = begun + ((workload + 1) / WORKLOADS.length) * Number(values.minutes) * MINUTE;
    const times = await cpuTimes(server, numbers, workload, until);
    for (const variant of numbers) {
      const own = times.get(variant) ?? [];
      cells.get(variant)?.push(`${median(own).toFixed(0)} µs · ${ratio(own, times.get(BASE) ?? [])}`);
    }
  }
  const bytes = await allocations(server, numbers);
  for (const variant of numbers)
    cells.get(variant)?.push(`${((bytes.get(variant) ?? 0) / 1000).toFixed(1)} KB`);
  const rows = VARIANTS.map(({ name }, variant) => [
    name,
    ...(cells.get(variant) ?? [...WORKLOADS.keys(), 0].map(() => 'skipped')),
  ]);
  const speed = await throughput(server);
  const sizes = [
    [1, 1],
    [100, 1],
    [10_000, 1],
    [1_000, 100],
    [1_000, 1_000],
  ] as const;
  const curve = await scale(server, isQuick ? sizes.slice(0, 1) : sizes);
  stop();
  progress(`${((Date.now() - begun) / MINUTE).toFixed(1)} minutes`);
  console.log(`\n${versions()}\n`);
  console.log(
    'CPU time of a request, and its ratio to that with instrumentation-http and -undici alone (median, quartiles):\n',
  );
  console.log(table(['', ...WORKLOADS.map(({ name }) => name), 'allocated: http, reused'], rows));
  console.log(`\nRequests a second at concurrency 32, with cheap spans to without httptrace: ${speed}\n`);
  console.log(table(['CPU µs of a request, http, reused', 'without httptrace', 'with cheap spans'], curve));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
