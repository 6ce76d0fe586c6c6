import assert from 'node:assert/strict';
import http, { ClientRequest } from 'node:http';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { request, send } from '../support/client';
import { registerContextManager } from '../support/otel';
import { Recorder } from '../support/recorder';
import { closedPort, serve } from '../support/servers';
import { sequenceOf } from './sequence';

registerContextManager();

interface Asked {
  readonly self: unknown;
  readonly args: readonly unknown[];
}

/** As little as Node asks of an agent. It connects later, as agents do that ask somebody first. */
function plainAgent() {
  const asked: Asked[] = [];
  const agent = {
    asked,
    addRequest(
      this: unknown,
      req: ClientRequest & { onSocket(socket: net.Socket): void },
      ...rest: [{ port: number }]
    ) {
      asked.push({ self: this, args: [req, ...rest] });
      setImmediate(() => req.onSocket(net.connect(rest[0].port, '127.0.0.1')));
    },
  };
  return agent as typeof agent & http.Agent;
}

async function served(t: TestContext) {
  const server = await serve((_req, res) => res.end('hello'));
  const instrumentation = new HttpTraceInstrumentation({ mode: 'off' });
  t.after(() => {
    instrumentation.disable();
    return server.close();
  });
  return { server, instrumentation };
}

const COLD = 'GC CS CD GO HF WH WR FB RT';

const shapes: Record<string, http.RequestOptions> = {
  'with headers as an object': { headers: { 'x-some': 'thing' } },
  'with headers as an array': { headers: ['Host', 'target.test'] as never },
  'without a Host header': { setHost: false, headers: { host: 'given.test' } },
  'with Expect, whose header is stored at once': { headers: { expect: '100-continue' } },
};

for (const [shape, options] of Object.entries(shapes))
  test(`an agent that is none of Node's is met before it is asked: ${shape}`, async (t) => {
    const { server } = await served(t);
    const agent = plainAgent();
    const { addRequest } = agent as unknown as { addRequest: unknown };
    const made = request(server, '/', { agent, ...options });
    assert.notEqual((agent as unknown as { addRequest: unknown }).addRequest, addRequest);
    const { recorder, status } = await made;
    assert.equal(status, 200);
    assert.equal(sequenceOf(recorder).replace('I1 ', ''), COLD);
    assert.deepEqual(recorder.args('getConn'), [`localhost:${server.port}`]);
  });

/** Has Node's method do the rest, or does without. */
class Overriding extends http.Agent {
  constructor(readonly asksNode: boolean) {
    super({ keepAlive: true });
  }

  addRequest(req: ClientRequest & { onSocket(socket: net.Socket): void }, options: { port: number }): void {
    const inherited = http.Agent.prototype as unknown as Pick<Overriding, 'addRequest'>;
    if (this.asksNode) inherited.addRequest.call(this, req, options);
    else req.onSocket(net.connect(options.port, '127.0.0.1'));
  }
}

interface Opening {
  createSocket(
    req: ClientRequest,
    options: object,
    done: (err: Error | null, socket: net.Socket) => void,
  ): void;
}

/** Opens sockets as Node's agents do, but when it is told to, and gives its request only one that is connected: if no one listens at the first port, at the second. */
class Retrying extends http.Agent {
  open = () => {};

  constructor(readonly ports: readonly number[]) {
    super();
  }

  addRequest(req: ClientRequest & { onSocket(socket: net.Socket): void }, options: object): void {
    const open = ([port, ...others]: readonly number[]) =>
      (this as unknown as Opening).createSocket(
        req,
        { ...options, host: '127.0.0.1', port },
        (_err, socket) => {
          socket.once('connect', () => req.onSocket(socket));
          socket.once('error', () => open(others));
        },
      );
    this.open = () => open(this.ports);
  }
}

test('an agent that tries another port: its first dial ends when that one is refused, not with the request', async (t) => {
  const { server } = await served(t);
  const agent = new Retrying([await closedPort(), server.port]);
  const requested = request(server, '/', { agent });
  agent.open();
  const { recorder, status } = await requested;
  assert.equal(status, 200);
  assert.equal(recorder.sequence(), 'GC CS CD!ECONNREFUSED CS CD GO HF WH WR FB RT');
});

test('an agent of Node that overrides how it is asked, and does without Node, is met as well', async (t) => {
  const { server } = await served(t);
  const { recorder, status } = await request(server, '/', { agent: new Overriding(false) });
  assert.equal(status, 200);
  assert.equal(sequenceOf(recorder), COLD);
  assert.deepEqual(recorder.args('getConn'), [`localhost:${server.port}`]);
});

test('one that then asks Node tells its requests once, and keeps its connections', async (t) => {
  const { server } = await served(t);
  const agent = new Overriding(true);
  t.after(() => agent.destroy());
  const sequences = [];
  for (let i = 0; i < 2; i++) sequences.push(sequenceOf((await request(server, '/', { agent })).recorder));
  assert.deepEqual(sequences, ['GC DS DD CS CD GO HF WH WR FB PI RT', 'GC GO HF WH WR FB PI RT']);
});

test('it is asked once for each request, with the same this and arguments, traced or not', async (t) => {
  const { server } = await served(t);
  const agent = plainAgent();
  await request(server, '/', { agent });
  await send(new URL(server.origin), { agent });
  assert.equal(agent.asked.length, 2);
  for (const { self, args } of agent.asked) {
    assert.equal(self, agent);
    assert.equal(args.length, 2);
    assert.ok(args[0] instanceof ClientRequest);
  }
});

test('it is left as it was found when the instrumentation is disabled', async (t) => {
  const { server, instrumentation } = await served(t);
  const agent = plainAgent() as http.Agent & { addRequest: unknown };
  const { addRequest } = agent;
  await request(server, '/', { agent });
  instrumentation.disable();
  assert.equal(agent.addRequest, addRequest);
  for (const method of ['getHeader', '_storeHeader'])
    assert.equal(Object.hasOwn(ClientRequest.prototype, method), false, method);
});

test('one that cannot be watched serves its requests all the same, and is seen when it hands over a socket', async (t) => {
  const { server } = await served(t);
  const agent = Object.freeze(plainAgent());
  const { recorder, status } = await request(server, '/', { agent });
  assert.equal(status, 200);
  assert.equal(sequenceOf(recorder), COLD);
});

test('what it throws reaches the caller, and the application is back in its own scope', async (t) => {
  const { server } = await served(t);
  const failure = new Error('no more requests');
  const agent = {
    addRequest() {
      throw failure;
    },
  } as unknown as http.Agent;
  const recorder = new Recorder();
  context.with(withClientTrace(context.active(), recorder.trace), () => {
    assert.throws(() => http.get(server.origin, { agent }), failure);
  });
  const socket = net.connect(server.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  assert.equal(recorder.sequence(), 'GC RT!no more requests');
});
