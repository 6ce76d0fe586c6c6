import { Client, ROOMY } from './processes';
import type { Session } from './session';
import { median, ratio } from './statistics';
import { Turns } from './turns';
import { BASE, nameOf } from './variants';
import { WORKLOADS, type Workload } from './workloads';

/** What a request costs, of each kind and with each variant: the cells of each variant's row. */
export async function costs(
  session: Session,
  until: number,
  workloads: readonly Workload[] = WORKLOADS,
): Promise<Map<number, string[]>> {
  const { variants, server, isQuick } = session;
  const cells = new Map<number, string[]>(variants.map((variant) => [variant, []]));
  const begun = Date.now();
  const shares = workloads.reduce((sum, { share = 1 }) => sum + share, 0);
  let taken = 0;
  let turns: Turns | undefined;
  for (const [workload, { name, count, warmUp = 3_000, share = 1 }] of workloads.entries()) {
    taken += share;
    // A process of its own for each kind, whose code is optimized for it alone; not to see whether it runs.
    if (turns === undefined || !isQuick) {
      turns?.stop();
      turns = new Turns();
      for (const variant of variants) await turns.add(variant, server);
    }
    const order = { what: 'run', workload, count: isQuick ? 2 : count, concurrency: 1 } as const;
    const times = await turns.rounds(order, 'cpu', {
      ...(isQuick ? { warmUp: 0, least: 1, most: 1 } : { warmUp: Math.ceil(warmUp / count), least: 3 }),
      until: begun + ((until - begun) * taken) / shares,
      after: (round) => session.progress(`${name}: ${round < 0 ? 'warming up' : `round ${round + 1}`}`),
    });
    for (const [variant, own] of times)
      cells.get(variant)?.push(`${median(own).toFixed(0)} µs · ${ratio(own, times.get(BASE) ?? [])}`);
  }
  turns?.stop();
  return cells;
}

/** Bytes that a request allocates, http on a reused connection. */
export async function allocations(session: Session): Promise<Map<number, string>> {
  const { variants, server, isQuick } = session;
  const cells = new Map<number, string>();
  for (const variant of variants) {
    const client = await Client.start(variant, server, ROOMY);
    const order = { what: 'allocate', workload: 0, count: isQuick ? 5 : 800, concurrency: 1 } as const;
    const bytes: number[] = [];
    for (let i = 0; i < (isQuick ? 1 : 3); i++) bytes.push((await client.order(order)).bytes ?? Number.NaN);
    client.stop();
    cells.set(variant, `${(median(bytes) / 1000).toFixed(1)} KB`);
    session.progress(`allocations: ${nameOf(variant)}`);
  }
  return cells;
}
