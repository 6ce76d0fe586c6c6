import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import http, { type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../src';
import { registerHttpInstrumentation, registerSdk } from './support/otel';
import { serve } from './support/servers';
import { copyOf } from './support/undici';

registerSdk();
registerHttpInstrumentation();
new HttpTraceInstrumentation();
const hooked = withClientTrace(context.active(), { gotConn() {} });

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** How many are still there when there was time enough to collect them. */
async function kept(refs: readonly WeakRef<object>[]): Promise<number> {
  const count = () => refs.filter((ref) => ref.deref() !== undefined).length;
  for (let tries = 0; tries < 20 && count() > 0; tries++) {
    await sleep(10);
    collect();
  }
  return count();
}

// Of https Node keeps the request that opened the connection by itself, from version 22 on.
test('an idle connection keeps none of the requests that it carried', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => {
    agent.destroy();
    return server.close();
  });
  const request = () =>
    new Promise<WeakRef<ClientRequest>>((resolve, reject) => {
      const req = http.get(server.origin, { agent }, (res) => res.resume());
      const ref = new WeakRef(req);
      req.on('error', reject).on('close', () => resolve(ref));
    });
  const refs = [await context.with(hooked, request), await request()];
  assert.equal(await kept(refs), 0);
  assert.equal(server.connections, 1);
});

test('connections that undici made for requests given up since are not kept', async (t) => {
  const server = await serve((_req, res) => void setTimeout(() => res.end('hello'), 20));
  t.after(() => server.close());
  const sockets: WeakRef<Socket>[] = [];
  const onConnected = (message: unknown) =>
    void sockets.push(new WeakRef((message as { readonly socket: Socket }).socket));
  channel('undici:client:connected').subscribe(onConnected);
  const { Agent, request } = copyOf(7);
  const dispatcher = new Agent({ connections: 1 });
  const controller = new AbortController();
  const ask = async (signal?: AbortSignal) =>
    (await request(server.origin, { dispatcher, ...(signal && { signal }) })).body.text();
  const first = ask();
  const others = Array.from({ length: 20 }, () => context.with(hooked, ask, undefined, controller.signal));
  controller.abort();
  await first;
  await Promise.allSettled(others);
  await dispatcher.destroy();
  assert.ok(sockets.length > 5, `${sockets.length} connections`);
  assert.equal(await kept(sockets), 0);
});
