import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { registerContextManager } from '../support/otel';
import { Recorder } from '../support/recorder';
import { echo, repeat, type Service, serveEcho } from './service';

registerContextManager();
new HttpTraceInstrumentation({ mode: 'off' });
let service: Service;
before(async () => {
  service = await serveEcho();
});
after(() => service.close());

async function traced(call: () => Promise<unknown>): Promise<Recorder> {
  const recorder = new Recorder();
  await context.with(withClientTrace(context.active(), recorder.trace), call);
  await recorder.done;
  recorder.assertInvariants();
  return recorder;
}

test('the call that has a channel connect shows how; the next ones show reuse', async () => {
  const client = service.client();
  const first = await traced(async () => assert.equal(await echo(client, 'hello'), 'hello'));
  // gRPC looks the name up itself.
  assert.equal(first.sequence(), 'GC CS CD GO HF WH WR FB RT');
  assert.equal(first.args('gotConn')[0].reused, false);
  assert.match(first.args('getConn')[0], new RegExp(`^(127\\.0\\.0\\.1|\\[::1\\]):${service.port}$`));
  const second = await traced(async () => assert.equal(await echo(client, 'again'), 'again'));
  assert.equal(second.sequence(), 'GC GO HF WH WR FB RT');
  const { reused, wasIdle, idleTime } = second.args('gotConn')[0];
  assert.deepEqual({ reused, wasIdle }, { reused: true, wasIdle: true });
  assert.ok(idleTime > 0);
});

test('a server stream', async () => {
  const client = service.client();
  const recorder = await traced(async () => assert.deepEqual(await repeat(client, 'x'), ['x', 'x', 'x']));
  assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB RT');
});

test('a call that is answered with an error has a response all the same', async () => {
  const client = service.client();
  const recorder = await traced(() => assert.rejects(echo(client, 'fail'), /denied/));
  assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB RT');
});

test('a call cancelled while the server streams', async () => {
  const client = service.client();
  const recorder = await traced(async () => {
    const call = client.Repeat('x');
    await assert.rejects(async () => {
      for await (const _ of call) call.cancel();
    }, /CANCELLED/);
  });
  assert.match(recorder.sequence(), /^GC CS CD GO HF WH WR FB RT(!ERR_HTTP2_STREAM_CANCEL)?$/);
});
