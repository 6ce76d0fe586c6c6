import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A server of somebody else's, in a process of its own that ends with ours. */
export interface Daemon {
  stop(): Promise<void>;
}

/** Starts a program, and waits until a URL of it answers. */
export async function startDaemon(command: string, args: string[], readyUrl: string): Promise<Daemon> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  // At once: what it has in memory, or in a folder of ours, nobody misses.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
  const failure = new Promise<Error>((resolve) => {
    child.on('error', resolve);
    child.on('exit', (code) => resolve(new Error(`${command} ended with ${code}:\n${said}`)));
  });
  const stop = async () => {
    process.off('exit', kill);
    await end(child);
  };
  const outcome = await Promise.race([failure, answers(readyUrl)]);
  if (outcome instanceof Error) {
    await stop();
    throw outcome;
  }
  return { stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** An error if a minute was not enough. */
async function answers(url: string): Promise<Error | undefined> {
  for (let i = 0; i < 600; i++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return undefined;
    await pause(100);
  }
  return new Error(`${url} does not answer`);
}

/** Ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}
