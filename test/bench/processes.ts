import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Order, Result } from './client';
import { PEER_PACKAGES, PEERS } from './variants';
import type { Server } from './workloads';

/** Lets a process collect when it is told to. */
export const COLLECTING = ['--expose-gc'];
/** And have a semi-space in which nothing needs to be collected while allocations are counted. */
export const ROOMY = [...COLLECTING, '--max-semi-space-size=128', '--min-semi-space-size=128'];

/** A process that runs one variant. */
export class Client {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(variant: number, server: Server, execArgv: string[] = []): Promise<Client> {
    const child = fork(join(__dirname, 'client.js'), {
      execArgv,
      env: {
        ...process.env,
        BENCH_SERVER: JSON.stringify(server),
        BENCH_VARIANT: String(variant),
        NODE_NO_WARNINGS: '1',
      },
    });
    await answerOf(child);
    return new Client(child);
  }

  async order(order: Order): Promise<Result> {
    const answer = answerOf<Result>(this.#child);
    this.#child.send(order);
    const result = await answer;
    if (result.error !== undefined) throw new Error(result.error);
    return result;
  }

  stop(): void {
    this.#child.disconnect();
  }
}

export async function startServer(): Promise<{ server: Server; stop(): void }> {
  const child = fork(join(__dirname, 'server.js'));
  return { server: await answerOf<Server>(child), stop: () => child.disconnect() };
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const over = new AbortController();
  const died = once(child, 'exit', { signal: over.signal }).then(
    ([code]) => Promise.reject(new Error(`a process of the benchmark ended with code ${code}`)),
    () => new Promise<never>(() => {}),
  );
  const [answer] = (await Promise.race([once(child, 'message'), died])) as [T];
  over.abort();
  return answer;
}

/** Installs the peers; false if that cannot be done. */
export function installPeers(): boolean {
  mkdirSync(PEERS, { recursive: true });
  writeFileSync(join(PEERS, 'package.json'), '{"private":true}');
  try {
    const install = ['install', '--prefix', PEERS, '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', [...install, ...PEER_PACKAGES], { stdio: 'ignore', timeout: 120_000 });
    return true;
  } catch {
    return false;
  }
}
