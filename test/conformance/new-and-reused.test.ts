import assert from 'node:assert/strict';
import http from 'node:http';
import { isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import type { Outcome } from '../support/client';
import { Recorder } from '../support/recorder';
import type { TestServer } from '../support/servers';
import { conformance, stage } from './stage';

/** A connection obtained by its own dial, to the server's IP address. */
function assertDialled({ recorder }: Outcome, server: TestServer): void {
  assert.deepEqual(recorder.args('getConn'), [server.address]);
  assert.deepEqual(recorder.args('connectStart'), ['tcp', server.address]);
  assert.deepEqual(recorder.args('connectDone'), ['tcp', server.address, undefined]);
  const { socket, ...how } = recorder.args('gotConn')[0];
  assert.deepEqual(how, { reused: false, wasIdle: false, idleTime: 0 });
  assert.equal(socket.remotePort, server.port);
}

function assertFields({ recorder }: Outcome, expected: [string, string[]][]): void {
  const fields = recorder.calls.filter(({ hook }) => hook === 'wroteHeaderField').map(({ args }) => args);
  assert.deepEqual(fields, expected);
}

conformance('new-and-reused', {
  get_new_conn: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get();
    assert.equal(r1.body, 'ok');
    assertDialled(r1, server);
    assertFields(r1, [
      ['Host', [server.address]],
      ['Connection', ['keep-alive']],
    ]);
    assert.deepEqual(r1.recorder.args('wroteRequest'), [{}]);
    assert.deepEqual(r1.recorder.args('putIdleConn'), [undefined]);
    assert.deepEqual(r1.recorder.args('roundTripDone'), [undefined]);
    return [r1];
  },

  get_ipv6_literal: async (t) => {
    const { server, get } = await stage(t, undefined, { host: '::1' });
    const r1 = await get();
    assert.match(server.address, /^\[::1\]:\d+$/);
    assertDialled(r1, server);
    assert.ok(isIPv6(r1.recorder.args('gotConn')[0].socket.remoteAddress ?? ''));
    assertFields(r1, [
      ['Host', [server.address]],
      ['Connection', ['keep-alive']],
    ]);
    return [r1];
  },

  keepalive_reused: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get();
    const r2 = await get();
    const { socket, reused, wasIdle, idleTime } = r2.recorder.args('gotConn')[0];
    assert.deepEqual([reused, wasIdle], [true, true]);
    assert.ok(idleTime > 0);
    assert.equal(socket, r1.recorder.args('gotConn')[0].socket);
    assert.equal(server.connections, 1);
    return [r1, r2];
  },

  idle_200ms_then_reuse: async (t) => {
    const { get } = await stage(t);
    const r1 = await get();
    await pause(200);
    const r2 = await get();
    assert.ok(r2.recorder.args('gotConn')[0].idleTime >= 150);
    return [r1, r2];
  },

  slow_response_headers: async (t) => {
    const told: number[] = [];
    let answeredAt = 0;
    const { get } = await stage(t, (_req, res) => {
      setTimeout(() => {
        answeredAt = performance.now();
        res.end();
      }, 50);
    });
    const older = {
      wroteRequest: () => told.push(performance.now()),
      gotFirstResponseByte: () => told.push(performance.now()),
    };
    const r1 = await context.with(withClientTrace(context.active(), older), () => get());
    const [wrote = 0, gotFirstByte = 0] = told;
    assert.ok(wrote < answeredAt && answeredAt <= gotFirstByte);
    return [r1];
  },

  post_body: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get({ method: 'POST', body: 'hello' });
    assertFields(r1, [
      ['Host', [server.address]],
      ['Connection', ['keep-alive']],
      ['Content-Length', ['5']],
    ]);
    return [r1];
  },

  post_body_chunked: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get({
      method: 'POST',
      onRequest: (req) => {
        req.write('hel');
        setImmediate(() => req.end('lo'));
      },
    });
    assertFields(r1, [
      ['Host', [server.address]],
      ['Connection', ['keep-alive']],
      ['Transfer-Encoding', ['chunked']],
    ]);
    return [r1];
  },

  header_fields: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get({ headers: { 'X-Two': ['a', 'b'], 'x-one': '1', Authorization: 'Bearer t' } });
    assertFields(r1, [
      ['X-Two', ['a', 'b']],
      ['x-one', ['1']],
      ['Authorization', ['Bearer t']],
      ['Host', [server.address]],
      ['Connection', ['keep-alive']],
    ]);
    return [r1];
  },

  redirect: async (t) => {
    const { server, agent } = await stage(t, (req, res) => {
      if (req.url === '/old') res.writeHead(302, { Location: '/new' });
      res.end();
    });
    const recorder = new Recorder();
    const follow = (path: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const req = http.get(new URL(path, `http://${server.address}`), { agent }, (res) => {
          recorder.mark('response');
          res.resume().on('end', () => recorder.mark('end'));
          const { location } = res.headers;
          req.on('close', () =>
            setImmediate(() => resolve(location === undefined ? undefined : follow(location))),
          );
        });
        req.on('error', reject);
      });
    await context.with(withClientTrace(context.active(), recorder.trace), () => follow('/old'));
    assert.deepEqual(recorder.args('gotConn', 1)[0].reused, true);
    return [recorder.story()];
  },
});
