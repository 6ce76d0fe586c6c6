import { COLLECTING, startServer } from './processes';
import type { Session } from './session';
import { quartiles, ratio } from './statistics';
import { Turns } from './turns';
import { BASE, CHEAP, nameOf, RECORDING } from './variants';

// What grows, or must not: with connections, with hosts, with requests at a time, and with requests altogether.

interface Open {
  readonly connections: number;
  readonly hosts: number;
}
const CONNECTIONS: readonly Open[] = [1, 10, 100, 1_000, 10_000].map((count) => ({
  connections: count,
  hosts: 1,
}));
const HOSTS: readonly Open[] = [1, 10, 100, 1_000].map((count) => ({ connections: count, hosts: count }));

/** CPU time of a request while so many connections are open, all to one host or each to another: rows of a table. */
export async function scale(session: Session, until: number): Promise<string[][]> {
  const half = (Date.now() + until) / 2;
  return [...(await curve(session, CONNECTIONS, half)), ...(await curve(session, HOSTS, until))];
}

/** Along a curve the processes stay: of what is measured only the number of connections changes. */
async function curve(session: Session, points: readonly Open[], until: number): Promise<string[][]> {
  const begun = Date.now();
  const turns = new Turns();
  // A server for each: a process may have some ten thousand files open.
  const servers = [await startServer(), await startServer()];
  for (const [i, variant] of [BASE, CHEAP].entries())
    await turns.add(variant, servers[i]?.server ?? session.server);
  const rows: string[][] = [];
  for (const [i, open] of (session.isQuick ? points.slice(0, 1) : points).entries()) {
    const label = `${plural(open.connections, 'connection')} to ${plural(open.hosts, 'host')}`;
    const share = (i + 1) / points.length;
    rows.push([label, ...(await point(session, turns, open, begun + (until - begun) * share))]);
    session.progress(`scale: ${rows.at(-1)?.join(' · ')}`);
  }
  turns.stop();
  for (const { stop } of servers) stop();
  return rows;
}

async function point(session: Session, turns: Turns, open: Open, until: number): Promise<string[]> {
  try {
    await turns.each({ what: 'open', ...open });
  } catch (error) {
    // A limit of open files, or a system on which 127.0.0.1 is the only address of the loopback.
    return [`not here: ${(error as Error).message.split('\n')[0]}`, '', ''];
  }
  const count = session.isQuick ? 3 : 250;
  const times = await turns.rounds({ what: 'run', workload: 'opened', count, concurrency: 1 }, 'cpu', {
    ...(session.isQuick ? { warmUp: 0, least: 1 } : { warmUp: open.connections === 1 ? 60 : 20, least: 9 }),
    most: 40,
    until,
  });
  const [base = [], own = []] = [BASE, CHEAP].map((variant) => times.get(variant));
  return [quartiles(base), quartiles(own), ratio(own, base)];
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Requests a second at concurrency 32, http on reused connections, as the cells of a row: without us, with cheap spans, and the ratio. */
export async function throughput(session: Session, until: number): Promise<string[]> {
  const turns = new Turns();
  for (const variant of [BASE, CHEAP]) await turns.add(variant, session.server);
  const order = { what: 'run', workload: 0, count: session.isQuick ? 40 : 1_000, concurrency: 32 } as const;
  const plan = session.isQuick ? { warmUp: 0, least: 2, most: 2 } : { warmUp: 10, least: 9, most: 100 };
  const after = (round: number) =>
    session.progress(`throughput: ${round < 0 ? 'warming up' : `round ${round + 1}`}`);
  const times = await turns.rounds(order, 'wall', { ...plan, until, after });
  turns.stop();
  // Microseconds of a request.
  const [base, own] = [BASE, CHEAP].map((variant) => (times.get(variant) ?? []).map((each) => 1e6 / each));
  return [quartiles(base ?? []), quartiles(own ?? []), ratio(own ?? [], base ?? [])];
}

/** What 100,000 requests leave on the heap, in kilobytes, as it grows, and what an idle connection keeps there, in bytes: rows of a table. */
export async function retained(session: Session, until: number): Promise<string[][]> {
  const turns = new Turns();
  const variants = session.isQuick ? RECORDING.slice(0, 1) : RECORDING;
  for (const variant of variants) await turns.add(variant, session.server, COLLECTING);
  const count = session.isQuick ? 100 : 20_000;
  const bytes = await turns.rounds({ what: 'retain', workload: 0, count, concurrency: 32 }, 'bytes', {
    // What is compiled and what is set up once is no leak.
    warmUp: 1,
    least: 1,
    most: session.isQuick ? 1 : 5,
    until,
    after: (round) => session.progress(`retained: ${((round + 1) * count).toLocaleString('en')} requests`),
  });
  const order = { what: 'open', connections: session.isQuick ? 10 : 1_000, hosts: 1 } as const;
  const idle = await turns.rounds(order, 'bytes', { warmUp: 0, least: 1, most: 1, until });
  turns.stop();
  return [...bytes].map(([variant, grown]) => {
    const sum = grown.reduce((all, each) => all + each, 0);
    const requests = grown.length * count;
    return [
      nameOf(variant),
      requests.toLocaleString('en'),
      ...[sum / 1_000, sum / requests].map((each) => each.toFixed(1)),
      grown.map((each) => (each / 1_000).toFixed(0)).join(' '),
      ...(idle.get(variant) ?? []).map((each) => each.toFixed(0)),
    ];
  });
}
