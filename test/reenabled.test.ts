import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { Agent, ClientRequest, IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import net, { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { Agent as AgentBase, type AgentConnectOpts } from 'agent-base';
import { withClientTrace } from '../src';
import { instrumentForHooks } from './support/hooksonly';
import { serveHttp2 } from './support/http2';
import { answer } from './support/http2stage';
import { Recorder } from './support/recorder';
import { serve } from './support/servers';

import shimmer = require('shimmer');

const instrumentation = instrumentForHooks();

/** Opens its sockets by itself, and asynchronously. */
class Opener extends AgentBase {
  override async connect(_req: unknown, options: AgentConnectOpts): Promise<Socket> {
    await null;
    return net.connect({ host: options.host ?? '', port: Number(options.port) });
  }
}

interface Giving {
  addRequest(req: ClientRequest & { onSocket(socket: Socket): void }, options: net.TcpNetConnectOpts): void;
}

const foreigns: Giving[] = [];

/** No `http.Agent`, as agents of old are; of a class of its own. */
function foreign(): Agent {
  const prototype: Giving = {
    addRequest: (req, { host, port }) => req.onSocket(net.connect({ host, port })),
  };
  foreigns.push(prototype);
  return Object.create(prototype);
}

const opener = new Opener();
const pooling = new Agent({ keepAlive: true });

/** What is told of a request with each kind of agent, the pool's second one included, and of a stream of http2. */
async function told(origin: string, h2: string): Promise<string[]> {
  const recorders: Recorder[] = [];
  const traced = <T>(make: () => T): T => {
    const recorder = new Recorder();
    recorders.push(recorder);
    return context.with(withClientTrace(context.active(), recorder.trace), make);
  };
  for (const agent of [opener, foreign(), pooling, pooling]) {
    const req = traced(() => http.get(origin, { agent }));
    const [res] = await once(req, 'response');
    await text(res);
    await new Promise(setImmediate);
  }
  pooling.destroy();
  const session = http2.connect(h2);
  const stream = traced(() => session.request());
  await text(stream);
  session.close();
  await once(session, 'close');
  await Promise.all(recorders.map(({ done }) => done));
  return recorders.map((recorder) => recorder.sequence());
}

type Method = (...args: unknown[]) => unknown;

function descriptors(methods: readonly [object, string][]): unknown[] {
  return methods.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name));
}

test('where somebody patched on top of ours, disabled and enabled again we tell the same as before, and disabled nothing is left', async (t) => {
  const [server, h2] = [await serve((_req, res) => res.end('hello')), await serveHttp2(answer)];
  t.after(() => Promise.all([server.close(), h2.close()]));
  const before = await told(server.origin, h2.origin);
  assert.deepEqual(before, [
    'GC DS DD CS CD GO HF WH WR FB RT',
    'GC DS DD CS CD GO HF WH WR FB RT',
    'GC DS DD CS CD GO HF WH WR FB PI RT',
    'GC GO HF WH WR FB PI RT',
    'GC DS DD CS CD GO HF WH WR FB RT',
  ]);
  const session = http2.connect(h2.origin);
  const stream = session.request();
  const [sessions, streams] = [Object.getPrototypeOf(session), Object.getPrototypeOf(stream)];
  await text(stream);
  session.close();
  const patched: [object, string][] = [
    [Agent.prototype, 'addRequest'],
    [Agent.prototype, 'createSocket'],
    [Agent.prototype, 'emit'],
    [AgentBase.prototype, 'createSocket'],
    [ClientRequest.prototype, 'getHeader'],
    [ClientRequest.prototype, 'onSocket'],
    [ClientRequest.prototype, '_send'],
    [ClientRequest.prototype, 'emit'],
    [IncomingMessage.prototype, 'emit'],
    [Socket.prototype, 'connect'],
    [sessions, 'emit'],
    [sessions, 'request'],
    [streams, 'emit'],
  ];
  for (const [owner, name] of patched)
    await t.test(`${owner.constructor.name}.${name}`, async () => {
      instrumentation.disable();
      const untouched = descriptors(patched);
      instrumentation.enable();
      await told(server.origin, h2.origin);
      const target = owner as Record<string, Method>;
      shimmer.wrap(
        target,
        name,
        (below) =>
          function (this: unknown, ...args: unknown[]) {
            return below.apply(this, args);
          },
      );
      for (let i = 0; i < 2; i++) {
        instrumentation.disable();
        instrumentation.enable();
        assert.deepEqual(await told(server.origin, h2.origin), before);
      }
      shimmer.unwrap(target, name);
      instrumentation.disable();
      assert.deepEqual(descriptors(patched), untouched);
      assert.ok(foreigns.every(({ addRequest }) => !('__original' in addRequest)));
      instrumentation.enable();
    });
});
