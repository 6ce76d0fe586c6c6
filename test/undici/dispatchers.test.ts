import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';
import { copyOf, observe, turn, whyNot } from '../support/undici';

registerContextManager();
new HttpTraceInstrumentation();

let server: TestServer;
let switching: http.Server;
before(async () => {
  server = await serve((req, res) => req.resume().on('end', () => res.end('hello')));
  switching = http.createServer().on('upgrade', (_req, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n');
    socket.on('data', (chunk) => socket.end(chunk));
  });
  await new Promise<void>((resolve) => switching.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  await server.close();
  switching.close();
});

const NEW = 'GC DS DD CS CD GO HF WH WR FB';

for (const version of [6, 7, 8] as const)
  describe(`undici ${version}`, { skip: whyNot(version) }, () => {
    test('a Client, by stream and by pipeline', async (t) => {
      const { Client } = copyOf(version);
      const client = new Client(server.origin);
      t.after(() => client.destroy());
      const chunks: string[] = [];
      const sink = () =>
        new Writable({
          write(chunk, _encoding, done) {
            chunks.push(String(chunk));
            done();
          },
        });
      const streamed = await observe(async () => {
        await client.stream({ path: '/stream', method: 'GET' }, sink);
        return undefined;
      });
      assert.equal(streamed.recorder.sequence(), `${NEW} PI RT`);
      await turn();
      const piped = await observe(
        () =>
          new Promise((resolve, reject) => {
            const duplex = client.pipeline({ path: '/pipeline', method: 'POST' }, ({ body }) => body);
            duplex.on('error', reject).on('end', () => resolve(undefined));
            duplex.on('data', (chunk) => chunks.push(String(chunk)));
            duplex.end('sent');
          }),
      );
      assert.equal(piped.recorder.sequence(), 'GC GO HF WH WR FB PI RT');
      assert.deepEqual(chunks, ['hello', 'hello']);
    });

    test('requests in a pipeline share the connection, which is not idle for those behind the first', async (t) => {
      const { Client } = copyOf(version);
      const client = new Client(server.origin, { pipelining: 3 });
      t.after(() => client.destroy());
      const send = (path: string) =>
        observe(async () => {
          const { statusCode, body } = await client.request({ path, method: 'GET' });
          return { status: statusCode, body: await body.text() };
        });
      await send('/warm');
      const all = await Promise.all(['/1', '/2', '/3'].map(send));
      for (const [i, { recorder, body }] of all.entries()) {
        assert.equal(body, 'hello');
        assert.equal(recorder.sequence(), 'GC GO HF WH WR FB PI RT');
        const [{ reused, wasIdle, socket }] = recorder.args('gotConn');
        assert.deepEqual({ reused, wasIdle }, { reused: true, wasIdle: i === 0 });
        assert.equal(socket.localPort, server.remotePorts.get('/warm'));
      }
    });

    test('an upgrade: the connection is the application’s, and nothing is said of the pool', async (t) => {
      const { Client } = copyOf(version);
      const client = new Client(`http://127.0.0.1:${(switching.address() as AddressInfo).port}`);
      t.after(() => client.destroy());
      const { recorder } = await observe(async () => {
        const { socket } = await client.upgrade({ path: '/', protocol: 'other' });
        socket.end('over').resume();
        return undefined;
      });
      assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB RT');
    });
  });
