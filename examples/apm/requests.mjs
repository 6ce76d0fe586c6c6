// Asks a URL twice, the second time over the connection of the first. Knows nothing of tracing.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';

export async function coldAndReused(url = process.argv[2] ?? 'https://example.com/') {
  const client = url.startsWith('https:') ? https : http;
  const agent = new client.Agent({ keepAlive: true });
  for (let i = 0; i < 2; i++) {
    const over = once(agent, 'free');
    const [res] = await once(client.get(url, { agent }), 'response');
    res.resume();
    await over;
    // Connections go idle between requests, as in any program that is not busy.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  agent.destroy();
}
