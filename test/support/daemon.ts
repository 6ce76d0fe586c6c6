import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A server of somebody else's, in a process of its own that ends with ours. */
export interface Daemon {
  /** Where it listens, as it said. */
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts a program, and waits until a URL of it answers.
 * @param tells - what it says of the ports that it was given, on 127.0.0.1: each pattern has one group, the port
 */
export async function startDaemon(
  command: string,
  args: string[],
  readyUrl: (...addresses: string[]) => string,
  tells: readonly RegExp[] = [],
): Promise<Daemon> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  // At once: what it has in memory, or in a folder of ours, nobody misses.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-50_000);
    });
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  child.on('exit', (code) => {
    failure = new Error(`${command} ended with ${code}:\n${said.slice(-4_000)}`);
  });
  const stop = async () => {
    process.off('exit', kill);
    await end(child);
  };
  for (let i = 0; i < 600 && failure === undefined; i++) {
    const ports = tells.flatMap((pattern) => pattern.exec(said)?.[1] ?? []);
    const addresses = ports.map((port) => `127.0.0.1:${port}`);
    if (ports.length === tells.length && (await answers(readyUrl(...addresses)))) return { addresses, stop };
    await pause(100);
  }
  await stop();
  throw failure ?? new Error(`${command} is not ready after a minute:\n${said.slice(-4_000)}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Ports of 127.0.0.1 that were free a moment ago: for programs that do not tell which they were given. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}
