import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

const NEVER_ACCEPTS = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer().listen({ port: 0, backlog: 1, host: workerData }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** A port on which connecting hangs: its queue is full, and its server, in a thread that sleeps, accepts nobody. */
export async function hangingPort(t: TestContext, host = '127.0.0.1'): Promise<number> {
  const worker = new Worker(NEVER_ACCEPTS, { eval: true, workerData: host });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = Array.from({ length: 8 }, () => net.connect(port, host).on('error', () => {}));
  t.after(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });
  // Those that find room connect; the others hang already.
  await Promise.race(fillers.map((filler: Socket) => once(filler, 'connect')));
  return port;
}
