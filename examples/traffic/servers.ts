import type http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type LocalServer, serve, serveNobody } from '../local/server';

/** Who is talked to. */
export interface Servers {
  readonly http: string;
  readonly https: string;
  /** The certificate of the latter. */
  readonly ca: string | undefined;
  /** Where nobody listens. */
  readonly nobody: string;
  close(): Promise<void>;
}

export async function openServers(): Promise<Servers> {
  const nobody = await serveNobody();
  const open: LocalServer[] = [await serve('http:', respond), await serve('https:', respond)];
  const [plain, secure] = open as [LocalServer, LocalServer];
  return {
    http: plain.origin,
    https: secure.origin,
    ca: secure.ca,
    nobody: nobody.origin,
    close: async () => {
      for (const server of [...open, nobody]) await server.close();
    },
  };
}

const respond: http.RequestListener = async (req, res) => {
  // As a load balancer does that has forgotten the connection: the client was sure that it could still be used.
  if (req.url === '/stale') return void req.socket.resetAndDestroy();
  for await (const _ of req);
  if (req.url === '/queue') await pause(60);
  if (req.url === '/slow') {
    await pause(300);
    for (let i = 0; i < 5; i++) {
      res.write('slowly\n');
      await pause(20);
    }
  }
  res.end('hello\n');
};
