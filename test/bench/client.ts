import { PerformanceObserver } from 'node:perf_hooks';
import v8 from 'node:v8';
import { VARIANTS } from './variants';
import { type Launch, plain, pool, type Server, WORKLOADS } from './workloads';

/** What the benchmark asks of a process that runs one variant. */
export type Order =
  | {
      readonly what: 'run' | 'allocate' | 'retain';
      /** The number of one, or over the connections that were opened last. */
      readonly workload: number | 'opened';
      readonly count: number;
      readonly concurrency: number;
    }
  /** Opens so many connections more, to so many hosts, and leaves them idle. */
  | { readonly what: 'open'; readonly connections: number; readonly hosts: number };

/** Of one request, if it could be measured. */
export interface Result {
  /** Microseconds. */
  readonly cpu?: number;
  readonly wall?: number;
  /** Bytes that it allocates, or, of all requests of the order together, that they leave behind, or that a connection keeps. */
  readonly bytes?: number;
  readonly error?: string;
}

const server: Server = JSON.parse(process.env.BENCH_SERVER ?? '{}');
const { around = (request: () => void) => request(), flush = async () => {} } =
  VARIANTS[Number(process.env.BENCH_VARIANT)]?.setUp() ?? {};
const launches = new Map<number | 'opened', Launch>();

function launchOf(workload: number | 'opened'): Launch {
  const known = launches.get(workload) ?? WORKLOADS[Number(workload)]?.make(server);
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

/** How much of the heap is in use when all has been collected that can be. */
async function used(): Promise<number> {
  await flush();
  // What is finalized is free only at the next collection.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    global.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

/** How much more it is after so many requests than before. */
async function retain(launch: Launch, count: number, concurrency: number): Promise<Result> {
  const before = await used();
  await drive(launch, count, concurrency);
  return { bytes: (await used()) - before };
}

let agent: ReturnType<typeof pool> | undefined;

async function open(connections: number, hosts: number): Promise<Result> {
  agent ??= pool();
  const launch = plain(false, server, agent, undefined, hosts);
  launches.set('opened', launch);
  const before = global.gc && (await used());
  // As many requests at once as there are to be connections; two thousand of them are new, for no server accepts ten thousand at once.
  for (let all = 0; all < connections; ) {
    all = Math.min(connections, all + 2_000);
    await drive(launch, all, all);
  }
  return before === undefined ? {} : { bytes: ((await used()) - before) / connections };
}

async function obey(order: Order): Promise<Result> {
  if (order.what === 'open') return await open(order.connections, order.hosts);
  const launch = launchOf(order.workload);
  const { what, count, concurrency } = order;
  if (what === 'run') return await measure(launch, count, concurrency);
  return what === 'retain' ? await retain(launch, count, concurrency) : await allocate(launch, count);
}

process.on('message', async (order: Order) => {
  try {
    process.send?.(await obey(order));
  } catch (error) {
    process.send?.({ error: String((error as Error).stack) });
  }
});
process.on('disconnect', () => process.exit());
process.send?.({});
