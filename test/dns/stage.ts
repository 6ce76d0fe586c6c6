/** Servers, a name server, and lookup functions as applications write them. */
import dns from 'node:dns';
import net, { type LookupFunction } from 'node:net';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { HttpTraceInstrumentation } from '../../src';
import { type GetOptions, type Outcome, request } from '../support/client';
import { type NameServer, serveNames } from '../support/nameserver';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';

registerContextManager();
export const ours = new HttpTraceInstrumentation({ mode: 'off' });

export let server: TestServer;
export let secure: TestServer;
let names: NameServer;
before(async () => {
  names = await serveNames();
  server = await serve((_req, res) => res.end('ok'));
  secure = await serve((_req, res) => res.end('ok'), { tls: true });
});
after(async () => {
  ours.disable();
  names.close();
  await server.close();
  await secure.close();
});

/** A traced request on a connection of its own. */
export function get(hostname: string, lookup: LookupFunction, options: GetOptions = {}): Promise<Outcome> {
  return request(server, '/', { agent: false, hostname, port: server.port, lookup, ...options });
}

export function coalesced({ recorder }: Outcome): boolean {
  return recorder.args('dnsDone')[0].coalesced;
}

export function queriesFor(hostname: string): number {
  return names.queries.filter((query) => query === `A ${hostname}`).length;
}

/** Asks our name server. */
export function resolver(): dns.promises.Resolver {
  const made = new dns.promises.Resolver();
  made.setServers([names.address]);
  return made;
}

export type Find = (hostname: string) => Promise<string>;

export function lookupBy(find: Find): LookupFunction {
  return (hostname, options, callback) => {
    find(hostname).then(
      (address) => (options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)),
      (error) => callback(error, []),
    );
  };
}

/** Concurrent calls share one promise. */
export function sharing(find: Find): Find {
  const pending = new Map<string, Promise<string>>();
  return (hostname) => {
    const found = pending.get(hostname) ?? find(hostname).finally(() => pending.delete(hostname));
    pending.set(hostname, found);
    return found;
  };
}

export const findByPromise = (): Find => {
  const asked = resolver();
  return async (hostname) => (await asked.resolve4(hostname))[0] ?? '';
};
export const findByCallback = (): Find => {
  const asked = new dns.Resolver();
  asked.setServers([names.address]);
  const resolve4 = promisify(asked.resolve4.bind(asked)) as (hostname: string) => Promise<string[]>;
  return async (hostname) => (await resolve4(hostname))[0] ?? '';
};
export const late =
  (find: Find): Find =>
  async (hostname) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return find(hostname);
  };

/** For requests without an agent. */
export function connect(options: unknown): net.Socket {
  return net.connect(options as net.NetConnectOpts);
}
