import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { certificate } from '../support/certs';
import { registerContextManager } from '../support/otel';
import { Recorder } from '../support/recorder';
import { CLIENTS, get, turn } from '../support/undici';

registerContextManager();
new HttpTraceInstrumentation();

let server: http2.Http2SecureServer;
let ca: string;
let origin: string;
before(async () => {
  const cert = await certificate();
  ca = cert.cert;
  server = http2.createSecureServer({ ...cert, allowHTTP1: true }, (req, res) => {
    if (req.url === '/hints') res.writeEarlyHints({ link: '</a>; rel=preload' });
    res.setHeader('x-version', req.httpVersion);
    req.resume().on('end', () => setTimeout(() => res.end(`hello ${req.httpVersion}`), 10));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
});
after(() => void server.close());

const DIAL = 'DS DD CS CD TS TD';

// undici 6 does not tell of requests that it sends by HTTP/2.
for (const client of CLIENTS.filter(({ version }) => version > 6))
  describe(`${client.name}, by HTTP/2`, { skip: client.skip }, () => {
    const agent = () =>
      client.Agent({ allowH2: true, connections: 1, connect: { ca, allowH2: true } as object });

    test('a stream is a request, reported once; the session is reused', async (t) => {
      const dispatcher = agent();
      t.after(() => dispatcher.destroy());
      const first = await get(client, `${origin}/1`, { dispatcher });
      assert.equal(first.body, 'hello 2.0');
      assert.equal(first.recorder.sequence(), `GC ${DIAL} GO HF WH WR FB RT`);
      const fields = first.recorder.calls
        .filter(({ hook }) => hook === 'wroteHeaderField')
        .map(({ args }) => args);
      assert.deepEqual(
        fields.find(([key]) => key === ':path'),
        [':path', ['/1']],
      );
      await turn();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const second = await get(client, `${origin}/2`, { dispatcher, method: 'POST', body: 'text' });
      assert.equal(second.body, 'hello 2.0');
      assert.equal(second.recorder.sequence(), 'GC GO HF WH WR FB RT');
      const [{ reused, wasIdle, idleTime }] = second.recorder.args('gotConn');
      assert.deepEqual([reused, wasIdle], [true, true]);
      assert.ok(idleTime > 0);
    });

    test('several streams at once share the connection, which is not idle', async (t) => {
      const dispatcher = agent();
      t.after(() => dispatcher.destroy());
      await get(client, `${origin}/warm`, { dispatcher });
      const all = await Promise.all([1, 2, 3].map((i) => get(client, `${origin}/${i}`, { dispatcher })));
      const infos = all.map(({ recorder }) => recorder.args('gotConn')[0]);
      assert.equal(new Set(infos.map(({ socket }) => socket)).size, 1);
      assert.ok(infos.every(({ reused }) => reused));
      assert.deepEqual(
        infos.map(({ wasIdle }) => wasIdle),
        [true, false, false],
      );
      for (const { recorder } of all) assert.equal(recorder.sequence(), 'GC GO HF WH WR FB RT');
    });
  });

describe('node:http2 beside undici', () => {
  test('a session of the application’s own is reported by the probe of http2', async () => {
    const recorder = new Recorder();
    const session = http2.connect(origin, { ca });
    context.with(withClientTrace(context.active(), recorder.trace), () =>
      session.request({ ':path': '/own' }).resume(),
    );
    await recorder.done;
    session.close();
    assert.equal(recorder.count('gotConn'), 1);
  });
});
