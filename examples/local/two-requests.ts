import { once } from 'node:events';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { serve } from './server';

/** Makes two requests to a local server: the first opens a connection, the second finds it idle and uses it again. */
export async function coldAndReused(): Promise<void> {
  const server = await serve('https:', (_req, res) => res.end('hello\n'));
  const agent = new https.Agent({ keepAlive: true, ...(server.ca && { ca: server.ca }) });
  for (const path of ['/cold', '/reused']) {
    // With the connection back in the pool the request is over, and its phases are written.
    const over = once(agent, 'free');
    const req = https.get(new URL(path, server.origin), { agent });
    const [res] = await once(req, 'response');
    await text(res);
    await over;
  }
  agent.destroy();
  await server.close();
}
