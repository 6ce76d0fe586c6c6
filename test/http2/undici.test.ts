import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { serveHttp2 } from '../support/http2';
import { Recorder } from '../support/recorder';
import { answer } from './stage';

/** What the three versions have in common. */
interface Undici {
  Agent: new (options: object) => { close(): Promise<void> };
  request(url: string, options: object): Promise<{ statusCode: number; body: { text(): Promise<string> } }>;
}

const [major = 0] = process.versions.node.split('.').map(Number);
const FIRST = 'GC DS DD CS CD TS TD GO HF WH WR FB RT';

for (const [version, needs] of [
  ['undici-6', 18],
  ['undici-7', 20],
  ['undici-8', 22],
] as const)
  test(`${version} over HTTP/2: each request is told once, by one of the two probes`, {
    skip: major < needs && `needs Node ${needs}`,
  }, async (t) => {
    const undici: Undici = require(version);
    const server = await serveHttp2(answer, { tls: true });
    const dispatcher = new undici.Agent({ allowH2: true, connect: { ca: server.ca } });
    t.after(async () => {
      await dispatcher.close();
      await server.close();
    });
    const get = async () => {
      const recorder = new Recorder();
      await context.with(withClientTrace(context.active(), recorder.trace), async () => {
        const { statusCode, body } = await undici.request(server.origin, { dispatcher });
        assert.equal(statusCode, 200);
        assert.equal(await body.text(), 'ok');
      });
      await recorder.done;
      recorder.assertInvariants();
      return recorder;
    };
    const first = await get();
    assert.equal(first.sequence(), FIRST);
    assert.equal(first.args('gotConn')[0].reused, false);
    assert.equal(first.args('tlsHandshakeDone')[0]?.alpnProtocol, 'h2');
    const second = await get();
    assert.equal(second.sequence(), 'GC GO HF WH WR FB RT');
    const { reused, wasIdle } = second.args('gotConn')[0];
    assert.deepEqual({ reused, wasIdle }, { reused: true, wasIdle: true });
    assert.equal(server.connections, 1);
  });

test('fetch over HTTP/2, which Node 26 speaks by itself, is told once', {
  skip: major < 26 && 'needs Node 26',
}, async (t) => {
  const server = await serveHttp2(answer, { tls: true });
  t.after(() => server.close());
  const { default: tls } = await import('node:tls');
  (tls as unknown as { setDefaultCACertificates(certs: unknown[]): void }).setDefaultCACertificates([
    server.ca,
  ]);
  const recorder = new Recorder();
  const text = await context.with(withClientTrace(context.active(), recorder.trace), async () =>
    (await fetch(server.origin)).text(),
  );
  assert.equal(text, 'ok');
  await recorder.done;
  recorder.assertInvariants();
  assert.equal(recorder.sequence(), 'GC DS DD CS CD TS TD GO HF WH WR FB RT');
  assert.equal(recorder.args('tlsHandshakeDone')[0]?.alpnProtocol, 'h2');
});
