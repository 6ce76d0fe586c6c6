import assert from 'node:assert/strict';
import http from 'node:http';
import { Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { HttpTraceInstrumentation, type HttpTraceInstrumentationConfig } from '../../src';
import { Connection } from '../../src/connection';
import { send } from '../support/client';
import { collectDiag } from '../support/diag';
import { meters, openConnections } from '../support/meters';
import { serve, type TestServer } from '../support/servers';

const messages = collectDiag();
const instrumentations: HttpTraceInstrumentation[] = [];
const { _destroy } = Socket.prototype;
function instrumentation(config: HttpTraceInstrumentationConfig = {}): HttpTraceInstrumentation {
  const made = new HttpTraceInstrumentation({ mode: 'off', ...config });
  instrumentations.push(made);
  return made;
}
afterEach(() => {
  for (const each of instrumentations.splice(0)) each.disable();
  metrics.disable();
  assert.equal(Socket.prototype._destroy, _destroy, 'nothing is left behind');
  assert.equal(Connection.openCount, 0);
});

/** How often a new connection to a new server is counted by each, and whether it is open. */
async function counted(...by: ReturnType<typeof meters>[]): Promise<string[]> {
  const server: TestServer = await serve((_req, res) => res.end('hello'));
  const agent = new http.Agent({ keepAlive: true });
  await send(new URL(server.origin), { agent });
  const counts = [];
  for (const each of by) {
    const { idle = 0 } = await openConnections(each, server.port);
    const connects = (await each.read('http.client.connection.setup.duration')).filter(
      ({ attributes }) => attributes['server.port'] === server.port && attributes.phase === 'connect',
    );
    counts.push(`${connects[0]?.value ?? 0} made, ${idle} open`);
  }
  agent.destroy();
  await server.close();
  return counts;
}

const ONCE = '1 made, 1 open';
const NEVER = '0 made, 0 open';

test('without a MeterProvider nothing is patched for it, and no connection is kept', async () => {
  instrumentation();
  assert.equal(Socket.prototype._destroy, _destroy);
  const server = await serve((_req, res) => res.end('hello'));
  const agent = new http.Agent({ keepAlive: true });
  await send(new URL(server.origin), { agent });
  assert.equal(Socket.prototype._destroy, _destroy);
  assert.equal(Connection.openCount, 0);
  agent.destroy();
  await server.close();
});

test('a global MeterProvider that was registered before', async () => {
  const meter = meters();
  metrics.setGlobalMeterProvider(meter.provider);
  instrumentation();
  assert.deepEqual(await counted(meter), [ONCE]);
});

test('a global MeterProvider that is registered later', async () => {
  const meter = meters();
  instrumentation();
  metrics.setGlobalMeterProvider(meter.provider);
  assert.deepEqual(await counted(meter), [ONCE]);
});

test('a global MeterProvider that is registered after requests were made: their connections count from the next request on', async () => {
  const meter = meters();
  instrumentation();
  const server = await serve((_req, res) => res.end('hello'));
  const agent = new http.Agent({ keepAlive: true });
  await send(new URL(server.origin), { agent });
  metrics.setGlobalMeterProvider(meter.provider);
  assert.deepEqual(await counted(meter), [ONCE]);
  await send(new URL(server.origin), { agent });
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 1 });
  agent.destroy();
  await server.close();
});

test('the MeterProvider of registerInstrumentations, not the global one', async () => {
  const [global, own] = [meters(), meters()];
  metrics.setGlobalMeterProvider(global.provider);
  registerInstrumentations({ instrumentations: [instrumentation()], meterProvider: own.provider });
  assert.deepEqual(await counted(global, own), [NEVER, ONCE]);
});

test('a MeterProvider that is given again, or in place of another', async () => {
  const [first, second] = [meters(), meters()];
  const ours = instrumentation();
  ours.setMeterProvider(first.provider);
  ours.setMeterProvider(first.provider);
  assert.deepEqual(await counted(first, second), [ONCE, NEVER]);
  ours.setMeterProvider(second.provider);
  assert.deepEqual(await counted(first, second), [NEVER, ONCE]);
});

test('two instrumentations with one MeterProvider count once, also when one of them is disabled', async () => {
  const meter = meters();
  metrics.setGlobalMeterProvider(meter.provider);
  const [first] = [instrumentation(), instrumentation()];
  assert.deepEqual(await counted(meter), [ONCE]);
  first.disable();
  assert.deepEqual(await counted(meter), [ONCE]);
});

test('two instrumentations with a MeterProvider each: both are told', async () => {
  const [first, second] = [meters(), meters()];
  instrumentation().setMeterProvider(first.provider);
  instrumentation().setMeterProvider(second.provider);
  assert.deepEqual(await counted(first, second), [ONCE, ONCE]);
});

test('while disabled nothing is counted, and what was open is no longer reported; after enable it goes on', async () => {
  const meter = meters();
  metrics.setGlobalMeterProvider(meter.provider);
  const ours = instrumentation();
  const server = await serve((_req, res) => res.end('hello'));
  const agent = new http.Agent({ keepAlive: true });
  await send(new URL(server.origin), { agent });
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 1 });
  ours.disable();
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 0 });
  assert.deepEqual(await counted(meter), [NEVER]);
  ours.enable();
  assert.deepEqual(await counted(meter), [ONCE]);
  await send(new URL(server.origin), { agent });
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 1 });
  agent.destroy();
  await server.close();
});

test('the option metrics, also when it changes while enabled', async () => {
  const meter = meters();
  metrics.setGlobalMeterProvider(meter.provider);
  const ours = instrumentation({ metrics: false });
  assert.equal(Socket.prototype._destroy, _destroy);
  assert.deepEqual(await counted(meter), [NEVER]);
  ours.setConfig({ metrics: true });
  assert.deepEqual(await counted(meter), [ONCE]);
  ours.setConfig({ metrics: false });
  assert.deepEqual(await counted(meter), [NEVER]);
});

test('a MeterProvider that is shut down says so once, not with every connection', async () => {
  const provider = new MeterProvider();
  await provider.shutdown();
  metrics.setGlobalMeterProvider(provider);
  instrumentation();
  messages.length = 0;
  for (let i = 0; i < 3; i++) assert.deepEqual(await counted(), []);
  const warnings = messages.filter(({ level }) => level === 'warn' || level === 'error');
  assert.ok(warnings.length <= 1, warnings.map(({ text }) => text).join('\n'));
});

test('a host that nobody connects to any more is forgotten when a thousand others came after it, and no count is left behind', async () => {
  const meter = meters();
  metrics.setGlobalMeterProvider(meter.provider);
  instrumentation();
  const server = await serve((_req, res) => res.end());
  const lookup: http.RequestOptions['lookup'] = (_host, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
  const agent = new http.Agent({ keepAlive: true });
  await send(new URL(`http://kept.test:${server.port}/`), { agent, lookup });
  assert.deepEqual(await openConnections(meter, server.port), { active: 0, idle: 1 });
  agent.destroy();
  for (let i = 0; i < 1_100; i++)
    await send(new URL(`http://${i}.test:${server.port}/`), { agent: false, lookup });
  const open = (await meter.read('http.client.open_connections')).filter(({ value }) => value > 0);
  assert.deepEqual(open, []);
  await server.close();
});
