import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Servers } from './servers';

/** Something that services do all day, for better or worse. */
export interface Lane {
  /** The span around a round: a trace in the viewer. */
  readonly title: string;
  /** @param signal - ends pauses early */
  round(servers: Servers, signal: AbortSignal): Promise<void>;
}

export const LANES: readonly Lane[] = [
  {
    title: 'a connection and its reuse',
    round: async ({ https: origin, ca }, signal) => {
      const agent = new https.Agent({ keepAlive: true, ...(ca && { ca }) });
      await get(`${origin}/cold`, { agent });
      for (let i = 0; i < 3; i++) {
        await pause(150, undefined, { signal });
        await get(`${origin}/reused`, { agent });
      }
      agent.destroy();
    },
  },
  {
    title: 'the same by fetch',
    round: async ({ http: origin }, signal) => {
      for (let i = 0; i < 3; i++) {
        await (await fetch(`${origin}/fetched`)).text();
        await pause(150, undefined, { signal });
      }
    },
  },
  {
    title: 'six at once, two sockets',
    round: async ({ http: origin }, signal) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
      await Promise.all(Array.from({ length: 6 }, () => get(`${origin}/queue`, { agent })));
      agent.destroy();
      await pause(500, undefined, { signal });
    },
  },
  {
    title: 'a slow server',
    round: async ({ http: origin }, signal) => {
      await get(`${origin}/slow`);
      await pause(500, undefined, { signal });
    },
  },
  {
    title: 'a slow lookup',
    round: async ({ http: origin }, signal) => {
      await get(`${origin}/far`, { agent: false, lookup: slowLookup });
      await pause(700, undefined, { signal });
    },
  },
  {
    title: 'an upload',
    round: async ({ http: origin }, signal) => {
      await request(`${origin}/upload`, { method: 'POST' }, Buffer.alloc(1 << 20, 'x'));
      await pause(500, undefined, { signal });
    },
  },
  {
    title: 'nobody there',
    round: async ({ nobody }, signal) => {
      await failing(get(`${nobody}/refused`), 'ECONNREFUSED');
      await pause(900, undefined, { signal });
    },
  },
  {
    title: 'a connection that died in the pool',
    round: async ({ http: origin }, signal) => {
      const agent = new http.Agent({ keepAlive: true });
      await get(`${origin}/kept`, { agent });
      await pause(4_200, undefined, { signal });
      await failing(get(`${origin}/stale`, { agent }), 'ECONNRESET');
      agent.destroy();
    },
  },
];

const get = (url: string, options: https.RequestOptions = {}) => request(url, options);

function request(url: string, options: https.RequestOptions, body?: Buffer): Promise<string> {
  const client = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const req = client.request(url, options, (res) => text(res).then(resolve, reject));
    req.on('error', reject);
    req.end(body);
  });
}

/** Waits for a failure, and fails without it. */
async function failing(request: Promise<unknown>, code: string): Promise<void> {
  const error = await request.then(
    () => new Error(`answered, where ${code} was expected`),
    (error: NodeJS.ErrnoException) => error,
  );
  if ((error as NodeJS.ErrnoException).code !== code) throw error;
}

/** A name server that is far away, or busy. */
const slowLookup: LookupFunction = (hostname, options, callback) => {
  setTimeout(() => dns.lookup(hostname, options, callback), 250);
};
