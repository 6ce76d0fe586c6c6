/** Lookup functions of the application's: an answer that was shared is told by those that were given somebody else's. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import type http from 'node:http';
import net, { type LookupFunction } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { HttpTraceInstrumentation } from '../../src';
import { type GetOptions, type Outcome, request, send } from '../support/client';
import { gate } from '../support/gate';
import { type NameServer, serveNames } from '../support/nameserver';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';

registerContextManager();
const ours = new HttpTraceInstrumentation({ mode: 'off' });

let server: TestServer;
let secure: TestServer;
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
function get(hostname: string, lookup: LookupFunction, options: GetOptions = {}): Promise<Outcome> {
  return request(server, '/', { agent: false, hostname, port: server.port, lookup, ...options });
}

function coalesced({ recorder }: Outcome): boolean {
  return recorder.args('dnsDone')[0].coalesced;
}

function queriesFor(hostname: string): number {
  return names.queries.filter((query) => query === `A ${hostname}`).length;
}

/** Asks our name server. */
function resolver(): dns.promises.Resolver {
  const made = new dns.promises.Resolver();
  made.setServers([names.address]);
  return made;
}

type Find = (hostname: string) => Promise<string>;

function lookupBy(find: Find): LookupFunction {
  return (hostname, options, callback) => {
    find(hostname).then(
      (address) => (options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)),
      (error) => callback(error, []),
    );
  };
}

/** Concurrent calls share one promise. */
function sharing(find: Find): Find {
  const pending = new Map<string, Promise<string>>();
  return (hostname) => {
    const found = pending.get(hostname) ?? find(hostname).finally(() => pending.delete(hostname));
    pending.set(hostname, found);
    return found;
  };
}

const findByPromise = (): Find => {
  const asked = resolver();
  return async (hostname) => (await asked.resolve4(hostname))[0] ?? '';
};
const findByCallback = (): Find => {
  const asked = new dns.Resolver();
  asked.setServers([names.address]);
  const resolve4 = promisify(asked.resolve4.bind(asked)) as (hostname: string) => Promise<string[]>;
  return async (hostname) => (await resolve4(hostname))[0] ?? '';
};
const late =
  (find: Find): Find =>
  async (hostname) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return find(hostname);
  };

const SHARING: Record<string, () => Promise<LookupFunction>> = {
  'cacheable-lookup 6': async () => {
    const {
      default: { default: CacheableLookup },
    } = await import('cacheable-lookup');
    return new CacheableLookup({ resolver: resolver() }).lookup as unknown as LookupFunction;
  },
  'cacheable-lookup 7': async () => {
    const { default: CacheableLookup } = await import('cacheable-lookup-7');
    return new CacheableLookup({ resolver: resolver() }).lookup as unknown as LookupFunction;
  },
  'a shared promise': async () => lookupBy(sharing(findByPromise())),
  'a shared promise over callbacks': async () => lookupBy(sharing(findByCallback())),
  'a shared promise, the query made later': async () => lookupBy(sharing(late(findByPromise()))),
  'a shared promise, a function for each request': async () => {
    const find = sharing(findByPromise());
    return (...args) => lookupBy(find)(...args);
  },
};

for (const [i, [name, make]] of Object.entries(SHARING).entries()) {
  const host = `shared${i}.test`;
  test(`${name}: who was given another's answer was told so, who asked was not`, async () => {
    const lookup = await make();
    const outcomes = await Promise.all([get(host, lookup), get(host, lookup), get(host, lookup)]);
    assert.equal(queriesFor(host), 1);
    assert.deepEqual(outcomes.map(coalesced), [false, true, true]);
    for (const { recorder } of outcomes)
      assert.deepEqual(recorder.args('dnsDone')[0].addrs, [{ address: '127.0.0.1', family: 4 }]);
  });

  test(`${name}: one after the other, asked anew or from a cache, nothing is shared`, async () => {
    const lookup = await make();
    for (let n = 0; n < 3; n++) assert.equal(coalesced(await get(`again${i}.test`, lookup)), false);
  });

  test(`${name}: the lookup of another name is not shared`, async () => {
    const lookup = await make();
    const outcomes = await Promise.all([get(`a${i}.test`, lookup), get(`b${i}.test`, lookup)]);
    assert.deepEqual(outcomes.map(coalesced), [false, false]);
  });

  test(`${name}: a failure is shared as well`, async () => {
    const lookup = await make();
    const nowhere = `nowhere${i}.invalid`;
    const outcomes = await Promise.all([get(nowhere, lookup), get(nowhere, lookup)]);
    assert.equal(queriesFor(nowhere), 1);
    assert.deepEqual(outcomes.map(coalesced), [false, true]);
    for (const { recorder, error } of outcomes) assert.equal(recorder.args('dnsDone')[0].err, error);
  });

  test(`${name}: with a request that nobody traces, with one that is given up, over TLS, without an agent`, async () => {
    const lookup = await make();
    const options = { hostname: `u${i}.test`, port: server.port, lookup, agent: false as const };
    const [, traced] = await Promise.all([
      send(new URL('/', server.origin), options),
      get(`u${i}.test`, lookup),
    ]);
    assert.equal(coalesced(traced), true);

    let first: http.ClientRequest | undefined;
    const givenUp = get(`g${i}.test`, lookup, {
      onRequest: (req) => {
        first = req;
        req.end();
      },
    });
    const other = get(`g${i}.test`, lookup);
    first?.destroy(new Error('enough'));
    assert.deepEqual([await givenUp, await other].map(coalesced), [false, true]);

    const tls = { agent: false as const, hostname: 'localhost', port: secure.port, lookup };
    const overTls = await Promise.all([1, 2].map(() => request(secure, '/', tls)));
    assert.deepEqual(overTls.map(coalesced), [false, true]);

    // Whose connection it is becomes known when its lookup has begun.
    const bare = () => get(`n${i}.test`, lookup, { agent: undefined, createConnection: connect });
    assert.deepEqual((await Promise.all([bare(), bare()])).map(coalesced), [false, true]);
  });
}

function connect(options: unknown): net.Socket {
  return net.connect(options as net.NetConnectOpts);
}

test('a lookup function that asks for every request shares nothing', async () => {
  const lookup = lookupBy(findByPromise());
  const outcomes = await Promise.all([get('each.test', lookup), get('each.test', lookup)]);
  assert.equal(queriesFor('each.test'), 2);
  assert.deepEqual(outcomes.map(coalesced), [false, false]);
  const bare = () => get('bare.test', lookup, { agent: undefined, createConnection: connect });
  assert.deepEqual((await Promise.all([bare(), bare()])).map(coalesced), [false, false]);
});

test('a lookup function that asks for one request after the other shares nothing', async () => {
  const find = findByPromise();
  let last: Promise<unknown> = Promise.resolve();
  const lookup = lookupBy((hostname) => {
    const found = last.then(() => find(hostname));
    last = found;
    return found;
  });
  const outcomes = await Promise.all([1, 2, 3].map(() => get('queue.test', lookup)));
  assert.equal(queriesFor('queue.test'), 3);
  assert.deepEqual(outcomes.map(coalesced), [false, false, false]);
});

test('dns.lookup itself, given or wrapped, shares nothing', async () => {
  const find: Find = async (hostname) => (await dns.promises.lookup(hostname, 4)).address;
  const [byCallback, byPromise] = [promisify(dns.lookup), lookupBy(find)];
  const wrapped = lookupBy(async (hostname) => (await byCallback(hostname, 4)).address);
  for (const lookup of [dns.lookup as LookupFunction, wrapped, byPromise]) {
    const outcomes = await Promise.all([1, 2].map(() => get('localhost', lookup, { family: 4 })));
    assert.deepEqual(outcomes.map(coalesced), [false, false]);
  }
});

/** Has the answer in store, but takes its time: until the gate opens. */
function stored(opened: Promise<void>): LookupFunction {
  return lookupBy(async () => {
    await opened;
    return '127.0.0.1';
  });
}

test('a stored answer is not shared, though the same name is asked for and answered meanwhile', async () => {
  const asked = resolver();
  const { opened, open } = gate();
  const waiting = get('stored.test', stored(opened));
  // The application for itself, and in the context of a connection whose lookup is over.
  await asked.resolve4('stored.test');
  await get('over.test', lookupBy(findByPromise()), {
    onResponse: () => void asked.resolve4('stored.test'),
  });
  while (queriesFor('stored.test') < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await asked.resolve4('stored.test');
  open();
  assert.equal(coalesced(await waiting), false);
});

test('a stored answer is not shared with a connection that Node looks the name up for', async () => {
  const { opened, open } = gate();
  const waiting = get('localhost', stored(opened));
  await get('localhost', undefined as unknown as LookupFunction, { family: 4 });
  open();
  assert.equal(coalesced(await waiting), false);
});

test('a query that was made for many at once belongs to nobody', async () => {
  const find = findByPromise();
  const waiting: { hostname: string; resolve: (address: Promise<string>) => void }[] = [];
  const batch = setInterval(() => {
    for (const { hostname, resolve } of waiting.splice(0)) resolve(find(hostname));
  }, 5);
  const lookup = lookupBy((hostname) => new Promise((resolve) => waiting.push({ hostname, resolve })));
  try {
    assert.equal(coalesced(await get('batch.test', lookup)), false);
  } finally {
    clearInterval(batch);
  }
});

test('a lookup over HTTP is a lookup, and what it looks up for itself is none of the request’s', async (t) => {
  const names = await serve((_req, res) => res.end('127.0.0.1'));
  t.after(() => names.close());
  const find: Find = async () =>
    (await context.with(ROOT_CONTEXT, () => send(new URL('/', names.origin), { agent: false, family: 4 })))
      .body ?? '';
  const outcomes = await Promise.all([1, 2].map(() => get('doh.test', lookupBy(find))));
  for (const outcome of outcomes) {
    assert.equal(outcome.body, 'ok');
    assert.equal(outcome.recorder.count('dnsStart'), 1);
    assert.equal(coalesced(outcome), false);
  }
});

/** Rejections that nobody handles, taken from the test runner for a while. */
function takeUnhandled(t: TestContext): unknown[] {
  const unhandled: unknown[] = [];
  const theirs = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => unhandled.push(reason));
  t.after(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of theirs) process.on('unhandledRejection', listener);
  });
  return unhandled;
}

test('a query of a lookup function whose rejection nobody handles is an unhandled rejection, once', async (t) => {
  const unhandled = takeUnhandled(t);
  const asked = resolver();
  const lookup: LookupFunction = (hostname, options, callback) => {
    void asked.resolve4('unhandled.invalid');
    lookupBy(findByPromise())(hostname, options, callback);
  };
  await get('handled.test', lookup);
  for (let i = 0; i < 1000 && unhandled.length === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    unhandled.map((error) => (error as NodeJS.ErrnoException).code),
    ['ENOTFOUND'],
  );
});

test('disabled while lookups are under way: all are answered', async () => {
  const lookup = lookupBy(sharing(late(findByPromise())));
  const both = [1, 2].map(() =>
    send(new URL('/', server.origin), { hostname: 'off.test', port: server.port, lookup, agent: false }),
  );
  ours.disable();
  try {
    for (const { body } of await Promise.all(both)) assert.equal(body, 'ok');
  } finally {
    ours.enable();
  }
});
