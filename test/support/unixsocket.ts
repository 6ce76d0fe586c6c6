import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Has a server listen on a Unix socket; resolves with its path. Server and connections are closed with the test. */
export async function listenAtPath(t: TestContext, server: net.Server): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-'));
  const path = join(folder, 'server.sock');
  const open = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await once(server.listen(path), 'listening');
  t.after(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });
  return path;
}
