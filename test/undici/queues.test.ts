import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { context } from '@opentelemetry/api';
import type { Dispatcher } from 'undici-7';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';
import { CLIENTS, copyOf, observe, turn, type UndiciClient } from '../support/undici';

registerContextManager();
const ours = new HttpTraceInstrumentation();
const { Agent, getGlobalDispatcher, setGlobalDispatcher } = copyOf(7);
const UNDICI = CLIENTS.find(({ name }) => name === 'request of undici 7') as UndiciClient;
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

test('a request that is given up in a queue is not told of a connection of earlier that nobody followed', async (t) => {
  const closing = await serve((req, res) => {
    if (req.url === '/closing') res.setHeader('connection', 'close');
    res.end('hello');
  });
  t.after(() => closing.close());
  const ask = async (path: string, dispatcher: Dispatcher, signal?: AbortSignal) => {
    const answer = await UNDICI.send(closing.origin + path, { dispatcher, ...(signal && { signal }) });
    return { status: answer.status, body: await answer.text() };
  };
  const [earlier, busy] = [new Agent({ connections: 1 }), new Agent({ connections: 1 })];
  // The second of them has a connection made for nobody, while the third waits.
  const unfollowed = [ask('/closing', earlier), ask('/closing', earlier)];
  const followed = await observe(() => ask('/closing', earlier));
  assert.equal(followed.recorder.sequence(), 'GC DS DD CS CD GO HF WH WR FB RT');
  await Promise.all(unfollowed);

  const controller = new AbortController();
  const before = ask('/', busy);
  const givenUp = observe(() => ask('/', busy, controller.signal));
  controller.abort();
  const { recorder } = await givenUp;
  assert.equal(recorder.sequence(), `GC RT!${DOMException.ABORT_ERR}`);
  await before;
  await Promise.all([earlier.close(), busy.close()]);
});

test('once switched off, undici has its own method again', async () => {
  assert.notEqual(Agent.prototype.dispatch, untouched);
  assert.equal(Agent.prototype.dispatch.name, untouched.name);
  assert.equal(Agent.prototype.dispatch.length, untouched.length);
  ours.disable();
  assert.equal(Agent.prototype.dispatch, untouched);
});
