import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';
import { copyOf, turn } from '../support/undici';

registerContextManager();
const ours = new HttpTraceInstrumentation();
const { Agent, getGlobalDispatcher, setGlobalDispatcher } = copyOf(7);
const untouched = Agent.prototype.dispatch;

let server: TestServer;
before(async () => {
  server = await serve((_req, res) => void setTimeout(() => res.end('hello'), 5));
  setGlobalDispatcher(new Agent({ connections: 2 }));
});
after(async () => {
  await getGlobalDispatcher().destroy();
  await server.close();
});

test('the very first requests of a process, most of which wait for one of two connections, are told to those who asked', async () => {
  const paths = Array.from({ length: 8 }, (_, i) => `/${i}`);
  const told = new Map<string, unknown>();
  await Promise.all(
    paths.map((path) => {
      const ctx = withClientTrace(context.active(), {
        gotConn: ({ socket }) => void told.set(path, socket.localPort),
      });
      return context.with(ctx, async () => (await fetch(server.origin + path)).text());
    }),
  );
  await turn();
  assert.deepEqual(
    paths.map((path) => told.get(path)),
    paths.map((path) => server.remotePorts.get(path)),
  );
});

test('once switched off, undici has its own method again', async () => {
  assert.notEqual(Agent.prototype.dispatch, untouched);
  assert.equal(Agent.prototype.dispatch.name, untouched.name);
  assert.equal(Agent.prototype.dispatch.length, untouched.length);
  ours.disable();
  assert.equal(Agent.prototype.dispatch, untouched);
});
