import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { type ClientTrace, HttpTraceInstrumentation, withClientTrace } from '../../src';
import { registerContextManager } from '../support/otel';
import { serve, type TestServer } from '../support/servers';
import { CLIENTS, copyOf, get, turn, whyNot } from '../support/undici';

registerContextManager();
const ours = new HttpTraceInstrumentation();

let server: TestServer;
let attempts = 0;
before(async () => {
  server = await serve((req, res) => {
    if (req.url === '/flaky') res.statusCode = ++attempts < 3 ? 503 : 200;
    res.end('hello');
  });
});
after(() => server.close());

/** What several requests of one context do. */
function following(calls: string[]): ClientTrace {
  return {
    getConn: () => calls.push('GC'),
    dnsStart: ({ host }) => calls.push(`DS ${host}`),
    connectStart: (_network, addr) => calls.push(`CS ${addr}`),
    gotConn: ({ reused }) => calls.push(reused ? 'reused' : 'new'),
    roundTripDone: (err) => calls.push(err ? 'failed' : 'RT'),
  };
}

for (const version of [6, 7, 8] as const)
  describe(`undici ${version}`, { skip: whyNot(version) }, () => {
    const requests = CLIENTS.filter((client) => client.version === version && client.name !== 'fetch');

    for (const client of requests) {
      test(`${client.name}: each attempt of the retry interceptor is a request`, async () => {
        attempts = 0;
        const { Agent, interceptors } = copyOf(version);
        const dispatcher = new Agent().compose(interceptors.retry({ minTimeout: 1, maxRetries: 4 }));
        const calls: string[] = [];
        const ctx = withClientTrace(context.active(), following(calls));
        const answer = await context.with(ctx, () => client.send(`${server.origin}/flaky`, { dispatcher }));
        assert.deepEqual([answer.status, await answer.text()], [200, 'hello']);
        await turn();
        assert.equal(calls.filter((call) => call === 'GC').length, 3, calls.join());
        assert.equal(calls.filter((call) => call === 'RT' || call === 'failed').length, 3, calls.join());
        await dispatcher.close();
      });

      test(`${client.name}: what is tried again, on connections that others opened, is told to who asked`, async (t) => {
        const tried = new Set<string>();
        const own = await serve((req, res) => {
          res.statusCode = tried.has(req.url ?? '') ? 200 : 503;
          tried.add(req.url ?? '');
          setTimeout(() => res.end(), 5);
        });
        const { Agent, RetryAgent } = copyOf(version);
        const dispatcher = new RetryAgent(new Agent({ connections: 2 }), { minTimeout: 1 });
        t.after(() => Promise.all([dispatcher.destroy(), own.close()]));
        for (const round of ['first', 'second']) {
          const attempts = await Promise.all(
            Array.from({ length: 6 }, async (_, i) => {
              const calls: string[] = [];
              const ctx = withClientTrace(context.active(), following(calls));
              const url = `${own.origin}/${round}/${i}`;
              const answer = await context.with(ctx, () => client.send(url, { dispatcher }));
              await answer.text();
              return calls.filter((call) => call === 'GC').length;
            }),
          );
          assert.deepEqual(attempts, [2, 2, 2, 2, 2, 2], round);
        }
      });

      test(`${client.name}: the dns interceptor looks up before there is a request`, async (t) => {
        const { Agent, interceptors } = copyOf(version);
        if (interceptors.dns === undefined) return t.skip('this version has none');
        const dispatcher = new Agent().compose(interceptors.dns({ dualStack: false, affinity: 4 }));
        t.after(() => dispatcher.destroy());
        const { recorder, status } = await get(client, server.origin, { dispatcher });
        assert.equal(status, 200);
        assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB PI RT');
      });
    }

    test('a MockAgent answers as it did, and no hook is called', async () => {
      const { MockAgent, request } = copyOf(version);
      const answer = async () => {
        const agent = new MockAgent();
        agent.disableNetConnect();
        agent
          .get('http://mocked.test')
          .intercept({ path: '/' })
          .reply(201, 'mocked', { headers: { 'x-mock': '1' } });
        const { statusCode, headers, body } = await request('http://mocked.test/', { dispatcher: agent });
        const refused = await request('http://mocked.test/', { dispatcher: agent }).catch(
          (error) => error.name,
        );
        await agent.close();
        return { statusCode, headers, body: await body.text(), refused };
      };
      const calls: string[] = [];
      const traced = await context.with(withClientTrace(context.active(), following(calls)), answer);
      assert.deepEqual(calls, []);
      ours.disable();
      assert.deepEqual(traced, await answer());
      ours.enable();
    });
  });
