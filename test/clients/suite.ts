import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { propagation } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { HttpTraceInstrumentation } from '../../src';
import {
  childOf,
  clientSpans,
  exporter,
  registerHttpInstrumentation,
  registerSdk,
  tree,
  written,
} from '../support/otel';
import { Recorder } from '../support/recorder';
import { closedPort, serve, type TestServer } from '../support/servers';

registerSdk();
// As every SDK does: by the header that it writes, the span of a fetch is found.
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
registerHttpInstrumentation({ disableIncomingRequestInstrumentation: true });
new UndiciInstrumentation();
const recorders: Recorder[] = [];
const ours = new HttpTraceInstrumentation({
  clientTrace: () => {
    const recorder = new Recorder();
    recorders.push(recorder);
    return recorder.trace;
  },
});

/** An HTTP client from the registry, with a pool of connections of its own. */
export interface Client {
  /**
   * Makes a request as the client's users do: with its defaults, following redirects, giving up after `timeout` milliseconds.
   * Resolves with everything that they can see of the answer and that does not change from run to run; rejects as the client does.
   */
  request(url: string, options: { readonly body?: string; readonly timeout: number }): Promise<unknown>;
  close(): unknown;
}

/** A request, by the path that the server answers in that way. */
const PATHS = {
  '/json': 'an answer',
  '/gzip': 'a compressed answer',
  '/missing': 'a 404',
  '/redirect': 'a redirect',
  '/echo': 'a body that is sent',
  '/cut': 'an answer that is cut off',
  '/reset': 'a connection that is reset',
  '/never': 'no answer at all',
} as const;
/** Milliseconds after which clients give up; node-fetch 2 does not notice by itself that an answer was cut off. */
const PATIENCE: Record<string, number> = { '/never': 150, '/cut': 500 };

type Open = (ca: string) => Client | Promise<Client>;

/**
 * What must hold for every client: the phases are right, and nothing that its users can see is different.
 * @param open - makes a client that trusts a certificate
 * @param traits - follows: it follows redirects; leavesRedirects: it does not read a redirect's answer, which then ends with its connection; tls: false
 *   for what cannot be made to trust the certificate
 */
export function clientTests(
  name: string,
  open: Open,
  { follows = true, leavesRedirects = false, tls = true } = {},
): void {
  let server: TestServer;
  let client: Client;
  before(async () => {
    server = await serve(answer, { tls });
    client = await open(server.ca ?? '');
  });
  after(async () => {
    await client.close();
    await server.close();
  });
  const get = (path: string) => client.request(`${server.origin}${path}`, { timeout: 10_000 });

  test(`${name}: a cold request shows its dial, a reused one shows that it was reused`, async () => {
    await get('/cold');
    const cold = await written('/cold');
    assert.equal(
      tree(cold),
      `GET > { http.getconn > { http.dns, http.connect${tls ? ', http.tls' : ''} }, http.wait, http.receive }`,
    );
    assert.equal(childOf(cold, 'http.getconn').attributes['http.conn.reused'], false);
    // undici takes a connection back a few turns after the body has ended.
    await sleep(20);
    await get('/reused');
    const reused = await written('/reused');
    assert.equal(tree(reused), 'GET > { http.wait, http.receive }');
    assert.equal(server.connections, 1);
    // What fetch and undici use has a span that is never active: only its ids are known here.
    if (cold.instrumentationScope.name !== '@opentelemetry/instrumentation-http') return;
    assert.equal(reused.attributes['http.conn.reused'], true);
    assert.equal(reused.attributes['http.conn.id'], cold.attributes['http.conn.id']);
  });

  test(`${name}: a redirect that it follows is two requests, each with its own phases`, async () => {
    exporter.reset();
    await get('/redirect').catch(describe);
    if (!follows) return assert.equal(clientSpans().length, 1);
    if (leavesRedirects) {
      await client.close();
      client = await open(server.ca ?? '');
    }
    const [first, second] = [await written('/redirect'), await written('/landed')];
    assert.equal(clientSpans().length, 2);
    assert.notEqual(first.spanContext().spanId, second.spanContext().spanId);
    for (const span of [first, second])
      assert.match(tree(span), /^GET > \{ (http\.getconn > \{[^}]*\}, )?http\.wait, http\.receive \}$/);
  });

  for (const [path, what] of Object.entries(PATHS))
    test(`${name}: what its users see of ${what} is the same as without tracing`, async () => {
      ours.disable();
      const untraced = await seen(open, server, path);
      ours.enable();
      recorders.length = 0;
      assert.deepEqual(await seen(open, server, path), untraced);
      assert.ok(recorders.length > 0);
      for (const recorder of recorders) {
        await recorder.done;
        recorder.assertInvariants();
      }
    });

  test(`${name}: what its users see of a port that refuses is the same as without tracing`, async () => {
    const refusing = { ...server, origin: `${tls ? 'https' : 'http'}://127.0.0.1:${await closedPort()}` };
    ours.disable();
    const untraced = await seen(open, refusing, '/');
    ours.enable();
    assert.deepEqual(await seen(open, refusing, '/'), untraced);
  });
}

/** What a fresh client has to say of two requests, the second of which may find the connection of the first. */
async function seen(open: Open, server: TestServer, path: string): Promise<string[]> {
  const client = await open(server.ca ?? '');
  const options = {
    timeout: PATIENCE[path] ?? 10_000,
    ...(path === '/echo' && { body: 'x'.repeat(100_000) }),
  };
  const outcomes: string[] = [];
  for (let i = 0; i < 2; i++) {
    const outcome = await client.request(`${server.origin}${path}`, options).catch(describe);
    outcomes.push(inspect(outcome, { depth: 5, maxStringLength: 200 }).replaceAll(/\b\d{5}\b/g, 'PORT'));
    // Until the connection is back in the pool, or gone.
    await sleep(10);
  }
  await client.close();
  return outcomes;
}

/** An error as the client's users can tell it from others. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, code, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return {
    constructor: error.constructor.name,
    keys: Object.keys(error).sort(),
    listed: { name, message, code },
    cause: cause === undefined ? undefined : describe(cause),
  };
}

const answer: Parameters<typeof serve>[0] = (req, res) => {
  const path = req.url?.replace(/\?.*$/, '').replace('/bucket', '');
  // Without it the client of Elasticsearch does not believe that we are one.
  res.setHeader('x-elastic-product', 'Elasticsearch');
  res.setHeader('x-path', path ?? '');
  switch (path) {
    case '/gzip':
      return void res.setHeader('content-encoding', 'gzip').end(gzipSync('hello'));
    case '/missing':
      return void res.writeHead(404).end('not here');
    case '/redirect':
      return void res.writeHead(302, { location: '/landed' }).end();
    case '/echo':
      return void req.pipe(res);
    case '/cut':
      return void res.writeHead(200, { 'content-length': 10 }).write('part', () => req.socket.destroy());
    case '/reset':
      return void req.socket.destroy();
    case '/never':
      return;
    default:
      return void res.setHeader('content-type', 'application/json').end('{"hello":"world"}');
  }
};
