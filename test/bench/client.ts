import { PerformanceObserver } from 'node:perf_hooks';
import v8 from 'node:v8';
import { VARIANTS } from './variants';
import { type Launch, plain, type Server, WORKLOADS } from './workloads';

/** What the benchmark asks of a process that runs one variant. */
export type Order =
  | {
      readonly what: 'run' | 'allocate';
      readonly workload: number;
      readonly count: number;
      readonly concurrency: number;
    }
  /** That many connections to that many hosts, all of them idle but one. */
  | { readonly what: 'open'; readonly connections: number; readonly hosts: number; readonly count: number };

/** Of one request: microseconds, or bytes; undefined if it could not be measured. */
export interface Result {
  readonly cpu?: number;
  readonly wall?: number;
  readonly bytes?: number;
  readonly error?: string;
}

const server: Server = JSON.parse(process.env.BENCH_SERVER ?? '{}');
const { around = (request: () => void) => request(), flush = async () => {} } =
  VARIANTS[Number(process.env.BENCH_VARIANT)]?.setUp() ?? {};
const launches = new Map<number, Launch>();

function launchOf(workload: number): Launch {
  const known = launches.get(workload) ?? WORKLOADS[workload]?.make(server);
  if (known === undefined) throw new Error(`no workload ${workload}`);
  launches.set(workload, known);
  return known;
}

/** Makes requests, so many at a time. */
function drive(launch: Launch, count: number, concurrency: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let [begun, over] = [0, 0];
    const next = () => {
      if (begun++ < count) around(() => launch(done, reject));
    };
    const done = () => (++over === count ? resolve() : next());
    for (let i = 0; i < concurrency; i++) next();
  });
}

async function measure(launch: Launch, count: number, concurrency: number): Promise<Result> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  await drive(launch, count, concurrency);
  await flush();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / count, wall: ((performance.now() - wall) * 1000) / count };
}

/** Bytes of JavaScript's heap, in a window in which nothing is collected. */
async function allocate(launch: Launch, count: number): Promise<Result> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  await drive(launch, count * 3, 1);
  await flush();
  global.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  collections = 0;
  const before = v8.getHeapStatistics().used_heap_size;
  await drive(launch, count, 1);
  const after = v8.getHeapStatistics().used_heap_size;
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  return collections === 0 ? { bytes: (after - before) / count } : {};
}

async function open(connections: number, hosts: number, count: number): Promise<Result> {
  const agent = { keepAlive: true, maxFreeSockets: Infinity };
  const launch = plain(false, server, agent, undefined, hosts);
  // As many at once as there are to be connections; then one at a time, of the hosts in turn.
  for (let opened = 0; opened < connections; opened += 500)
    await drive(launch, Math.min(connections, opened + 500), Math.min(connections, opened + 500));
  await measure(launch, count, 1);
  return await measure(launch, count, 1);
}

process.on('message', async (order: Order) => {
  try {
    if (order.what === 'open') return process.send?.(await open(order.connections, order.hosts, order.count));
    const launch = launchOf(order.workload);
    const { what, count, concurrency } = order;
    process.send?.(
      what === 'run' ? await measure(launch, count, concurrency) : await allocate(launch, count),
    );
  } catch (error) {
    process.send?.({ error: String((error as Error).stack) });
  }
});
process.on('disconnect', () => process.exit());
process.send?.({});
