import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { rawStage } from './stage';

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
const ASK = { headers: { Connection: 'upgrade', Upgrade: 'echo' } };

/** A server that switches protocols, and then says back what it is told. */
const echo = (answer: string) => (socket: Socket) =>
  socket.once('data', () => {
    socket.write(answer);
    socket.pipe(socket);
  });

test('an upgrade ends the round trip: the connection is the application’s from then on, and no pool has it', async (t) => {
  const { server, agent, get } = await rawStage(t, echo(SWITCH));
  let upgraded: Socket | undefined;
  const order: string[] = [];
  const older = { roundTripDone: () => void order.push('roundTripDone') };
  const onRequest = (req: ClientRequest) => {
    req.on('upgrade', (_res, socket) => {
      upgraded = socket;
      order.push('upgrade');
    });
    req.end();
  };
  const r1 = await context.with(withClientTrace(context.active(), older), () => get({ ...ASK, onRequest }));
  assert.deepEqual(order, ['roundTripDone', 'upgrade']);
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB RT');
  assert.equal(upgraded, r1.recorder.args('gotConn')[0].socket);
  assert.equal(upgraded.listenerCount('data'), 0);
  upgraded.write('hello');
  const [said] = (await once(upgraded, 'data')) as [Buffer];
  assert.equal(String(said), 'hello');
  upgraded.destroy();
  await once(upgraded, 'close');
  assert.equal(r1.recorder.calls.at(-1)?.hook, 'roundTripDone');
  assert.equal(Object.values(agent.freeSockets).flat().length, 0);
  assert.equal(server.connections, 1);
});

test('an upgrade that nobody listens for ends with its connection: Node tells the application no more', async (t) => {
  const { get } = await rawStage(t, echo(SWITCH));
  const r1 = await get(ASK);
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB RT');
});

test('an upgrade that the server does not make is a response like any other', async (t) => {
  const { get } = await rawStage(t, echo('HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n'));
  const r1 = await get({ ...ASK, onRequest: (req) => req.on('upgrade', assert.fail).end() });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

for (const [status, event] of [
  [200, 'opened'],
  [407, 'refused'],
] as const)
  test(`a tunnel that is ${event} ends the round trip before the application is given it`, async (t) => {
    const { get } = await rawStage(t, echo(`HTTP/1.1 ${status} X\r\n\r\n`));
    const order: unknown[] = [];
    const older = { roundTripDone: () => void order.push('done') };
    const r1 = await context.with(withClientTrace(context.active(), older), () =>
      get({
        method: 'CONNECT',
        path: 'target.test:443',
        onRequest: (req) => {
          req.on('connect', (res: IncomingMessage, socket: Socket) => {
            order.push(res.statusCode);
            socket.destroy();
          });
          req.end();
        },
      }),
    );
    assert.deepEqual(order, ['done', status]);
    assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB RT');
  });

test('a tunnel that nobody listens for ends with its connection', async (t) => {
  const { get } = await rawStage(t, echo('HTTP/1.1 200 OK\r\n\r\n'));
  const r1 = await get({ method: 'CONNECT', path: 'target.test:443' });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB RT');
});
