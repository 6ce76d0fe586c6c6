import assert from 'node:assert/strict';
import type { LookupFunction, Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { context } from '@opentelemetry/api';
import type { Agent, Dispatcher } from 'undici-7';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { heldLookup, lookupOf, unknownName } from '../support/dns';
import { gate } from '../support/gate';
import { hangingPort } from '../support/hanging';
import { registerContextManager } from '../support/otel';
import { closedPort, serve, serveRaw } from '../support/servers';
import { CLIENTS, causeOf, get, observe, turn, type UndiciClient } from '../support/undici';

registerContextManager();
new HttpTraceInstrumentation();

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';

const failuresOf = (client: UndiciClient) =>
  describe(client.name, { skip: client.skip, concurrency: false }, () => {
    let dispatcher: Dispatcher;
    const use = (options: Agent.Options = {}) => {
      dispatcher = client.Agent(options);
      return { dispatcher };
    };
    beforeEach(() => void use());
    afterEach(() => dispatcher.destroy());

    test('a port that refuses', async () => {
      const { recorder, error } = await get(client, `http://127.0.0.1:${await closedPort()}/`, {
        dispatcher,
      });
      assert.equal(recorder.sequence(), 'GC CS CD!ECONNREFUSED RT!ECONNREFUSED');
      assert.equal(recorder.args('roundTripDone')[0], causeOf(error));
    });

    test('an address that refuses, and one that answers', async (t) => {
      const server = await serve((_req, res) => res.end('hello'));
      t.after(() => server.close());
      const lookup = lookupOf('127.0.0.9', '127.0.0.1');
      const { recorder, status } = await get(
        client,
        `http://two.test:${server.port}/`,
        use({ connect: { lookup } }),
      );
      assert.equal(status, 200);
      assert.equal(recorder.sequence(), 'GC DS DD CS CD!ECONNREFUSED CS CD GO HF WH WR FB PI RT');
    });

    test('a name that does not exist', async () => {
      const { recorder, error } = await get(
        client,
        'http://none.test/',
        use({ connect: { lookup: unknownName } }),
      );
      assert.equal(causeOf(error).code, 'ENOTFOUND');
      assert.equal(recorder.sequence(), 'GC DS DD!ENOTFOUND RT!ENOTFOUND');
    });

    test('a certificate that nobody vouches for', async (t) => {
      const server = await serve((_req, res) => res.end('hello'), { tls: true });
      t.after(() => server.close());
      const { recorder } = await get(client, server.origin, { dispatcher });
      const failed = 'DEPTH_ZERO_SELF_SIGNED_CERT';
      assert.equal(recorder.sequence(), `GC DS DD CS CD TS TD!${failed} RT!${failed}`);
    });

    test('a certificate for another name', async (t) => {
      const server = await serve((_req, res) => res.end('hello'), { tls: true });
      t.after(() => server.close());
      const connect = { lookup: lookupOf('127.0.0.1'), ca: server.ca };
      const { recorder } = await get(
        client,
        `https://other.test:${server.port}/`,
        use({ connect } as Agent.Options),
      );
      const failed = 'ERR_TLS_CERT_ALTNAME_INVALID';
      assert.equal(recorder.sequence(), `GC DS DD CS CD TS TD!${failed} RT!${failed}`);
    });

    test('a connection that is reset before, and within, the response', async (t) => {
      let reply = '';
      const server = await serveRaw((socket) => {
        socket.once('data', () => {
          if (reply === '') return socket.resetAndDestroy();
          socket.write(reply);
          setTimeout(() => socket.resetAndDestroy(), 20);
        });
      });
      t.after(() => server.close());
      const url = `http://${server.address}/`;
      const before = await get(client, url, { dispatcher });
      assert.match(before.recorder.sequence(), /^GC CS CD GO HF WH WR RT!(ECONNRESET|UND_ERR_SOCKET)$/);
      assert.equal(before.recorder.args('roundTripDone')[0], causeOf(before.error));
      reply = `${HEAD}half`;
      const within = await get(client, url, { dispatcher });
      assert.match(within.recorder.sequence(), /^GC CS CD GO HF WH WR FB RT!(ECONNRESET|UND_ERR_SOCKET)$/);
    });

    test('a response that is none', async (t) => {
      const server = await serveRaw((socket) => socket.once('data', () => socket.end('nonsense\r\n\r\n')));
      t.after(() => server.close());
      const { recorder, error } = await get(client, `http://${server.address}/`, { dispatcher });
      assert.ok(error);
      assert.match(recorder.sequence(), /^GC CS CD GO HF WH WR FB RT!/);
    });

    test('aborted before it is made: no hook is called', {
      skip: !client.isFetch && 'it dials all the same',
    }, async () => {
      const calls: string[] = [];
      const ctx = withClientTrace(context.active(), { getConn: (hostPort) => calls.push(hostPort) });
      const sent = context.with(ctx, () =>
        client.send('http://127.0.0.1:1234/', { dispatcher, signal: AbortSignal.abort() }),
      );
      await assert.rejects(sent, { name: 'AbortError' });
      assert.deepEqual(calls, []);
    });

    test('aborted while it connects', async (t) => {
      const port = await hangingPort(t);
      const controller = new AbortController();
      use({ connect: { timeout: 1_000 } });
      const { recorder, error } = await observe(async () => {
        setTimeout(() => controller.abort(), 30);
        const answer = await client.send(`http://127.0.0.1:${port}/`, {
          dispatcher,
          signal: controller.signal,
        });
        return { status: answer.status, body: '' };
      });
      // undici lets go of the request only when the attempt is over; newer ones end the attempt. `request` of older ones does not even tell of the abort.
      if (client.isFetch) assert.equal(error?.name, 'AbortError');
      assert.match(recorder.sequence(), /^GC CS CD!\S+ RT!\S+$/);
    });

    test('aborted while it waits for the response', async (t) => {
      const arrived = gate<Socket>();
      const server = await serveRaw((socket) => socket.once('data', () => arrived.open(socket)));
      t.after(() => server.close());
      const controller = new AbortController();
      const { recorder, error } = await observe(async () => {
        void arrived.opened.then(() => controller.abort());
        const answer = await client.send(`http://${server.address}/`, {
          dispatcher,
          signal: controller.signal,
        });
        return { status: answer.status, body: '' };
      });
      assert.equal(error?.name, 'AbortError');
      assert.match(recorder.sequence(), /^GC CS CD GO HF WH WR RT!/);
      assert.equal(recorder.args('roundTripDone')[0]?.name, 'AbortError');
    });

    for (const how of ['aborted', 'given up'] as const)
      test(`a body that is ${how} while it is read`, async (t) => {
        const server = await serveRaw((socket) => socket.once('data', () => socket.write(`${HEAD}half`)));
        t.after(() => server.close());
        const controller = new AbortController();
        const { recorder } = await observe(async () => {
          const answer = await client.send(`http://${server.address}/`, {
            dispatcher,
            signal: controller.signal,
          });
          if (how === 'given up') await answer.cancel();
          else {
            const text = answer.text();
            await turn();
            controller.abort();
            await text;
          }
          return { status: answer.status, body: '' };
        });
        assert.match(recorder.sequence(), /^GC CS CD GO HF WH WR FB RT!/);
        assert.equal(recorder.args('roundTripDone')[0]?.name, 'AbortError');
      });

    test('a server that does not answer in time, and one that stops', async (t) => {
      let reply = '';
      const server = await serveRaw((socket) => socket.once('data', () => reply && socket.write(reply)));
      t.after(() => server.close());
      use({ headersTimeout: 100, bodyTimeout: 100 });
      const silent = await get(client, `http://${server.address}/`, { dispatcher });
      assert.equal(silent.recorder.sequence(), 'GC CS CD GO HF WH WR RT!UND_ERR_HEADERS_TIMEOUT');
      assert.equal(causeOf(silent.error), silent.recorder.args('roundTripDone')[0]);
      reply = `${HEAD}half`;
      const stopped = await get(client, `http://${server.address}/`, { dispatcher });
      assert.equal(stopped.recorder.sequence(), 'GC CS CD GO HF WH WR FB RT!UND_ERR_BODY_TIMEOUT');
    });

    test('a connection that is not made in time', async (t) => {
      const port = await hangingPort(t);
      use({ connect: { timeout: 100 } });
      const { recorder, error } = await get(client, `http://127.0.0.1:${port}/`, { dispatcher });
      assert.equal(causeOf(error).code, 'UND_ERR_CONNECT_TIMEOUT');
      assert.equal(recorder.sequence(), 'GC CS CD!UND_ERR_CONNECT_TIMEOUT RT!UND_ERR_CONNECT_TIMEOUT');
    });

    test('requests of one queue that all fail with one dial: it is that of the first', async () => {
      use({ connections: 1 });
      const url = `http://127.0.0.1:${await closedPort()}/`;
      const all = await Promise.all([1, 2, 3].map(() => get(client, url, { dispatcher })));
      assert.deepEqual(
        all.map(({ recorder }) => recorder.sequence()),
        ['GC CS CD!ECONNREFUSED RT!ECONNREFUSED', 'GC RT!ECONNREFUSED', 'GC RT!ECONNREFUSED'],
      );
    });

    test('a queue whose connection the server closes: the next connection is that of the next request', async (t) => {
      const server = await serve((_req, res) => res.setHeader('connection', 'close').end('hello'));
      t.after(() => server.close());
      use({ connections: 1 });
      const all = await Promise.all(
        [1, 2, 3].map((i) => get(client, `${server.origin}/${i}`, { dispatcher })),
      );
      for (const { recorder } of all) assert.equal(recorder.sequence(), 'GC DS DD CS CD GO HF WH WR FB RT');
      assert.equal(new Set(all.map(({ recorder }) => recorder.args('gotConn')[0].socket)).size, 3);
    });

    test('a queue that is left alone: the dial that fails is that of the request that waited for it', async (t) => {
      const server = await serve((_req, res) => res.setHeader('connection', 'close').end('hello'));
      t.after(() => server.close());
      let lookups = 0;
      const lookup: LookupFunction = (...args) =>
        (lookups++ === 0 ? lookupOf('127.0.0.1') : unknownName)(...args);
      use({ connections: 1, connect: { lookup } });
      const url = `http://queue.test:${server.port}`;
      const all = await Promise.all([1, 2].map((i) => get(client, `${url}/${i}`, { dispatcher })));
      assert.equal(all[0]?.recorder.sequence(), 'GC DS DD CS CD GO HF WH WR FB RT');
      assert.equal(all[1]?.recorder.sequence(), 'GC DS DD!ENOTFOUND RT!ENOTFOUND');
    });

    test('a connection that nobody follows, being made or made, is not that of a request that fails with its own', async (t) => {
      const server = await serve((_req, res) => res.setHeader('connection', 'close').end('hello'));
      t.after(() => server.close());
      const [other, held] = [heldLookup(1, unknownName), heldLookup(2)];
      const waiting = get(client, 'http://other.test/', use({ connect: { lookup: other.lookup } }));
      t.after(() => waiting);
      const url = `http://queue.test:${server.port}`;
      use({ connections: 1, connect: { lookup: held.lookup } });
      const unfollowed = [1, 2].map(async (i) => (await client.send(`${url}/${i}`, { dispatcher })).text());
      await held.asked;
      const fail = () =>
        get(client, `${url}/3`, { dispatcher: client.Agent({ connect: { lookup: unknownName } }) });
      assert.equal((await fail()).recorder.sequence(), 'GC DS DD!ENOTFOUND RT!ENOTFOUND');
      held.answer();
      other.answer();
      await Promise.all(unfollowed);
      assert.equal((await fail()).recorder.sequence(), 'GC DS DD!ENOTFOUND RT!ENOTFOUND');
    });

    test('a server that is gone: a reused connection that is reset', async (t) => {
      const sockets: Socket[] = [];
      const server = await serveRaw((socket) => {
        sockets.push(socket);
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          socket.once('data', () => socket.resetAndDestroy());
        });
      });
      t.after(() => server.close());
      use({ connections: 1 });
      await get(client, `http://${server.address}/`, { dispatcher });
      await turn();
      const { recorder } = await get(client, `http://${server.address}/`, { dispatcher });
      assert.match(recorder.sequence(), /^GC GO HF WH WR RT!(ECONNRESET|UND_ERR_SOCKET)$/);
      assert.equal(recorder.args('gotConn')[0].reused, true);
      assert.equal(sockets.length, 1);
    });

    test('a body that fails while it is sent', async (t) => {
      const server = await serve((req, res) => req.resume().on('end', () => res.end()));
      t.after(() => server.close());
      const broken = new Error('broken');
      const body = async function* () {
        yield Buffer.from('one');
        throw broken;
      };
      const { recorder } = await get(client, server.origin, { dispatcher, method: 'POST', body: body() });
      assert.equal(recorder.count('gotConn'), recorder.count('wroteRequest'));
      assert.match(recorder.sequence(), /^GC DS DD CS CD GO HF WH WR!\S.* RT!/);
    });

    test('a dispatcher that is destroyed with a request under way', async (t) => {
      const arrived = gate<Socket>();
      const server = await serveRaw((socket) => socket.once('data', () => arrived.open(socket)));
      t.after(() => server.close());
      const { recorder } = await observe(async () => {
        void arrived.opened.then(() => dispatcher.destroy());
        await client.send(`http://${server.address}/`, { dispatcher });
        return undefined;
      });
      assert.match(recorder.sequence(), /^GC CS CD GO HF WH WR RT!/);
    });
  });

// All at once: undici's clock of short timeouts ticks twice a second.
describe('failures of undici', { concurrency: true }, () => CLIENTS.forEach(failuresOf));
