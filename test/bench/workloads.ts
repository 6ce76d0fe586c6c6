import type { Agent, RequestOptions } from 'node:http';
import type { AgentOptions } from 'node:https';

export interface Server {
  readonly ports: readonly [number, number];
  readonly ca: string;
}

/** Makes one request and calls back when its response has been read. */
export type Launch = (done: () => void, fail: (error: Error) => void) => void;

const BODY = Buffer.alloc(16_384, 'x');

export interface Workload {
  readonly name: string;
  /** How many make a round of some 50 ms. */
  readonly count: number;
  /** Requests that do not count: until then much of the time goes into compiling, and whoever has more code pays more. Usually 3,000. */
  readonly warmUp?: number;
  /** Of the time for all of them; usually 1. */
  readonly share?: number;
  make(server: Server): Launch;
}

/** One request after another, of each kind. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'http, reused', count: 200, make: (server) => plain(false, server, { keepAlive: true }) },
  { name: 'http, new', count: 120, make: (server) => plain(false, server, {}) },
  { name: 'https, reused', count: 200, make: (server) => plain(true, server, { keepAlive: true }) },
  // Each takes long.
  {
    name: 'https, new',
    count: 30,
    warmUp: 1_500,
    share: 3,
    make: (server) => plain(true, server, { maxCachedSessions: 0 }),
  },
  { name: 'fetch, reused', count: 150, make: fetching },
  { name: 'POST 16 KiB', count: 150, make: (server) => plain(false, server, { keepAlive: true }, BODY) },
];

/** An agent that keeps every connection. */
export function pool(): Agent {
  const { Agent }: typeof import('node:http') = require('node:http');
  return new Agent({ keepAlive: true, maxFreeSockets: Number.POSITIVE_INFINITY });
}

/** @param agent - or the options of one @param hosts - as many addresses are asked in turn, or at once */
export function plain(
  isSecure: boolean,
  server: Server,
  agent: Agent | AgentOptions,
  body?: Buffer,
  hosts = 1,
): Launch {
  // Required here: some instrumentations see only those who require after them.
  const client: typeof import('node:https') = require(isSecure ? 'node:https' : 'node:http');
  const options: RequestOptions = {
    port: server.ports[isSecure ? 1 : 0],
    path: '/hello?x=1',
    agent: agent instanceof client.Agent ? agent : new client.Agent(agent),
    ...(isSecure && { ca: server.ca }),
    ...(body && { method: 'POST', headers: { 'content-length': body.length } }),
  };
  let next = 0;
  return (done, fail) => {
    const host = next++ % hosts;
    const name = isSecure ? 'localhost' : `127.0.${1 + (host >> 8)}.${host & 255}`;
    const req = client.request({ ...options, host: hosts === 1 && !isSecure ? '127.0.0.1' : name }, (res) => {
      res.resume();
      // One tick later the connection is back in the pool.
      res.on('end', () => process.nextTick(done));
    });
    req.on('error', fail);
    req.end(body);
  };
}

function fetching(server: Server): Launch {
  const url = `http://127.0.0.1:${server.ports[0]}/hello?x=1`;
  return (done, fail) => {
    fetch(url)
      .then((res) => res.text())
      .then(done, fail);
  };
}
