import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import nock from 'nock';
import { type GetOptions, request, send } from '../support/client';
import { instrumentForHooks } from '../support/hooksonly';
import { Recorder } from '../support/recorder';
import { closedPort, serve } from '../support/servers';

instrumentForHooks();
nock('http://mocked.test').persist().post('/').reply(200, 'mocked').get('/').replyWithError('boom');
nock.enableNetConnect(/^(localhost|127\.0\.0\.1)/);
after(() => nock.restore());

/** Makes a request, and asserts that the application hears of it what it hears without a trace; returns what the trace is told. */
async function sequence(origin: string, options: GetOptions = {}): Promise<string> {
  const seen = new Recorder();
  const untraced = await send(new URL(origin), options, (word, error) => seen.mark(word, error));
  const { recorder, ...outcome } = await request({ origin, port: 0 }, '/', options);
  assert.deepEqual(outcome, untraced);
  const heard = recorder
    .story()
    .split(' ')
    .filter((word) => /^[a-z]/.test(word));
  assert.equal(heard.join(' '), seen.story());
  return recorder.sequence();
}

test('a request that nock answers has no dial', async () => {
  assert.equal(await sequence('http://mocked.test', { method: 'POST', body: 'x' }), 'GC GO HF WH WR FB RT');
  assert.equal(await sequence('http://mocked.test'), 'GC RT!boom');
});

test('a request that nock lets through has its dial, and was written', async (t) => {
  const server = await serve((req, res) => req.resume().on('end', () => res.end('real')));
  t.after(() => server.close());
  const { origin } = server;
  assert.equal(await sequence(origin), 'GC DS DD CS CD GO HF WH WR FB RT');
  assert.equal(await sequence(origin, { method: 'POST', body: 'x' }), 'GC DS DD CS CD GO HF WH WR FB RT');
  const port = await closedPort();
  assert.equal(await sequence(`http://127.0.0.1:${port}`), 'GC CS CD!ECONNREFUSED RT!ECONNREFUSED');
});
