import { COLLECTING, startServer } from './processes';
import type { Session } from './session';
import { quartiles, ratio } from './statistics';
import { Turns } from './turns';
import { BASE, CHEAP, nameOf, RECORDING } from './variants';

// What grows, or must not: with connections, with hosts, with requests at a time, and with requests altogether.

/** Of each curve: open connections, all to one host or each to another. */
const CONNECTIONS = [1, 10, 100, 1_000, 10_000];
const HOSTS = [1, 10, 100, 1_000];

/** CPU time of a request while so many connections are open: rows of a table. */
export async function scale(session: Session, until: number): Promise<string[][]> {
  const rows: string[][] = [];
  const steps = [
    ...CONNECTIONS.map((connections) => ({ connections, hosts: 1 })),
    ...HOSTS.map((hosts) => ({ connections: hosts, hosts })),
  ].filter(({ connections }) => !session.isQuick || connections === 1);
  const begun = Date.now();
  let turns: Turns | undefined;
  let servers: { stop(): void }[] = [];
  const close = () => {
    turns?.stop();
    for (const server of servers.splice(0)) server.stop();
  };
  for (const [i, { connections, hosts }] of steps.entries()) {
    // Along a curve the processes stay: of what is measured only the number of connections changes.
    if (connections === 1) {
      close();
      turns = new Turns();
      // A server for each: a process may have some ten thousand files open.
      for (const variant of [BASE, CHEAP]) {
        const { server, stop } = await startServer();
        servers = [...servers, { stop }];
        await turns.add(variant, server);
      }
    }
    await turns?.each({ what: 'open', connections, hosts });
    const order = {
      what: 'run',
      workload: 'opened',
      count: session.isQuick ? 3 : 250,
      concurrency: 1,
    } as const;
    const times = await turns?.rounds(order, 'cpu', {
      ...(session.isQuick ? { warmUp: 0, least: 1 } : { warmUp: connections === 1 ? 60 : 10, least: 9 }),
      most: 40,
      until: begun + ((until - begun) * (i + 1)) / steps.length,
    });
    const [base = [], own = []] = [BASE, CHEAP].map((variant) => times?.get(variant));
    const row = [plural(connections, 'connection'), plural(hosts, 'host')];
    rows.push([row.join(' to '), quartiles(base), quartiles(own), ratio(own, base)]);
    session.progress(`scale: ${rows.at(-1)?.join(' · ')}`);
  }
  close();
  return rows;
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
  const after = (round: number) => session.progress(`throughput: round ${round + 1}`);
  const times = await turns.rounds(order, 'wall', { ...plan, until, after });
  turns.stop();
  // Microseconds of a request.
  const [base, own] = [BASE, CHEAP].map((variant) => (times.get(variant) ?? []).map((each) => 1e6 / each));
  return [quartiles(base ?? []), quartiles(own ?? []), ratio(own ?? [], base ?? [])];
}

/** What 100,000 requests leave on the heap, in kilobytes, as it grows: rows of a table. */
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
  turns.stop();
  return [...bytes].map(([variant, grown]) => {
    const sum = grown.reduce((all, each) => all + each, 0);
    const requests = grown.length * count;
    return [
      nameOf(variant),
      requests.toLocaleString('en'),
      ...[sum / 1_000, sum / requests].map((each) => each.toFixed(1)),
      grown.map((each) => (each / 1_000).toFixed(0)).join(' '),
    ];
  });
}
