import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { test } from 'node:test';
import { type Context, context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { send } from '../support/client';
import { lookupOf, unknownName } from '../support/dns';
import { hangingPort } from '../support/hanging';
import { closedPort, serve } from '../support/servers';
import { durations, holding, instrument, meter } from './stage';

instrument({ ignoreRequest: ({ hostPort }) => hostPort === 'ignored.test:80' });

const CONTEXTS: [string, () => Context][] = [
  ['untraced', () => context.active()],
  ['traced', () => withClientTrace(context.active(), { gotConn: () => {} })],
];

for (const [name, ctx] of CONTEXTS) {
  const get = (url: string, options: https.RequestOptions = {}) =>
    context.with(ctx(), () => send(new URL(url), options));

  test(`${name}: the phases of a new connection are measured once each, and nothing of a reused one`, async (t) => {
    const server = await serve((_req, res) => res.end('hello'), { tls: true });
    t.after(server.close);
    const agent = new https.Agent({ keepAlive: true, ...(server.ca && { ca: server.ca }) });
    const expected = ['setup connect 1', 'setup dns 1', 'setup tls 1'];
    await get(server.origin, { agent });
    assert.deepEqual(await durations(server.port), expected);
    for (let i = 0; i < 3; i++) await get(server.origin, { agent });
    assert.deepEqual(await durations(server.port), expected);
    agent.destroy();
  });

  test(`${name}: an address is not looked up`, async (t) => {
    const server = await serve((_req, res) => res.end('hello'));
    t.after(server.close);
    await get(`http://127.0.0.1:${server.port}/`, { agent: false });
    assert.deepEqual(await durations(server.port), ['connection.duration 1', 'setup connect 1']);
  });

  test(`${name}: what fails has its error.type`, async (t) => {
    const port = await closedPort();
    await get(`http://127.0.0.1:${port}/`);
    assert.deepEqual(await durations(port), ['setup connect ECONNREFUSED 1']);

    await get(`http://${name}.invalid:${port}/`, { lookup: unknownName });
    const lines = await meter.lines();
    const lookup = `dns.lookup.duration dns.question.name=${name}.invalid error.type=ENOTFOUND 1`;
    assert.ok(lines.includes(lookup), lines.join('\n'));

    const secure = await serve((_req, res) => res.end(), { tls: true });
    t.after(secure.close);
    await get(`https://127.0.0.1:${secure.port}/`);
    assert.deepEqual(await durations(secure.port), [
      'setup connect 1',
      'setup tls DEPTH_ZERO_SELF_SIGNED_CERT 1',
    ]);
  });

  test(`${name}: each address that is tried is measured`, async () => {
    const port = await closedPort();
    await get(`http://two.test:${port}/`, { lookup: lookupOf('127.0.0.1', '127.0.0.2') });
    assert.deepEqual(await durations(port), ['setup connect ECONNREFUSED 2', 'setup dns 1']);
  });

  test(`${name}: an aborted dial is measured as what the application sees`, async (t) => {
    const port = await hangingPort(t);
    const { error } = await context.with(ctx(), () =>
      send(new URL(`http://127.0.0.1:${port}/`), {
        onRequest: (req) => req.on('socket', () => setImmediate(() => req.destroy())).end(),
      }),
    );
    assert.equal(error?.code, 'ECONNRESET');
    assert.deepEqual(await durations(port), ['setup connect ECONNRESET 1']);
  });

  test(`${name}: time in the queue is measured of those that waited, and of no other`, async (t) => {
    const { server, answer, asked } = await holding(t);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const url = `http://127.0.0.1:${server.port}/`;
    const all = Array.from({ length: 4 }, () => get(url, { agent }));
    await asked.opened;
    assert.deepEqual(await durations(server.port), ['setup connect 1'], 'they wait');
    answer.open();
    await Promise.all(all);
    await get(url, { agent });
    assert.deepEqual(await durations(server.port), ['request.time_in_queue 3', 'setup connect 1']);
    agent.destroy();
  });

  test(`${name}: who waits until a connection is closed leaves the queue when the next one is made`, async (t) => {
    const server = await serve((_req, res) => res.setHeader('connection', 'close').end('hello'));
    t.after(server.close);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const url = `http://127.0.0.1:${server.port}/`;
    await Promise.all([get(url, { agent }), get(url, { agent }), get(url, { agent })]);
    const expected = ['connection.duration 3', 'request.time_in_queue 2', 'setup connect 3'];
    assert.deepEqual(await durations(server.port), expected);
  });
}

test('who is aborted in the queue stays there until its turn has come', async (t) => {
  const { server, answer, asked } = await holding(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const url = new URL(`http://127.0.0.1:${server.port}/`);
  const first = send(url, { agent });
  await asked.opened;
  const second = send(url, { agent, onRequest: (req) => req.destroy() });
  assert.deepEqual(await durations(server.port), ['setup connect 1']);
  answer.open();
  await Promise.all([first, second]);
  assert.deepEqual(await durations(server.port), ['request.time_in_queue 1', 'setup connect 1']);
  agent.destroy();
});

test('a request that is ignored is measured all the same', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  const agent = new http.Agent();
  Object.assign(agent, {
    createConnection: (options: http.ClientRequestArgs) =>
      http.Agent.prototype.createConnection.call(agent, { ...options, port: server.port }, () => {}),
  });
  const ctx = withClientTrace(context.active(), { getConn: () => assert.fail('it is traced') });
  const lookup = lookupOf('127.0.0.1');
  const { status } = await context.with(ctx, () => send(new URL('http://ignored.test/'), { agent, lookup }));
  assert.equal(status, 200);
  assert.deepEqual(
    (await meter.lines()).filter((line) => line.includes('ignored.test server.port=80 phase')),
    [
      'http.client.connection.setup.duration server.address=ignored.test server.port=80 phase=connect 1',
      'http.client.connection.setup.duration server.address=ignored.test server.port=80 phase=dns 1',
    ],
  );
});

test('a connection lasts from when it can be used to its close, in seconds; so do the others', async (t) => {
  const { server, answer, asked } = await holding(t);
  const before = performance.now();
  const sent = send(new URL(`http://127.0.0.1:${server.port}/`), { agent: false });
  await asked.opened;
  await new Promise((resolve) => setTimeout(resolve, 100));
  answer.open();
  await sent;
  const most = (performance.now() - before) / 1000;
  const at = async (name: string) =>
    (await meter.read(name)).find(({ attributes }) => attributes['server.port'] === server.port);
  const lifetime = await at('http.client.connection.duration');
  const connect = await at('http.client.connection.setup.duration');
  assert.ok(lifetime && connect);
  assert.ok(lifetime.sum > 0.09 && lifetime.sum <= most, `${lifetime.sum} of ${most} s`);
  assert.ok(connect.sum > 0 && connect.sum <= most - 0.09, `${connect.sum} of ${most} s`);
  assert.deepEqual(lifetime.boundaries, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]);
  assert.deepEqual(
    connect.boundaries,
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  );
});

test('a request that fails while its agent asks is not thought to wait', async () => {
  const agent = new http.Agent({ maxSockets: 1 });
  assert.throws(() => http.get({ host: '127.0.0.1', port: 65_536, agent }), { code: 'ERR_SOCKET_BAD_PORT' });
  const lines = (await meter.lines()).filter((line) => line.includes('65536') && !line.includes('open_conn'));
  assert.deepEqual(lines, []);
  await once(http.get({ host: '127.0.0.1', port: await closedPort(), agent }), 'error');
});
