import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  type ReadableSpan,
  SamplingDecision,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation, HttpTraceSpanProcessor } from '../../src';
import { collectDiag } from '../support/diag';
import { childrenOf, clientSpans, exporter, registerContextManager, tree } from '../support/otel';
import { closedPort, serve, type TestServer } from '../support/servers';
import { CLIENTS, turn } from '../support/undici';

registerContextManager();
const messages = collectDiag();
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
let isSampled = true;
const sampler = {
  shouldSample: () => ({
    decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
  }),
  toString: () => 'all or none',
};
const inner = new SimpleSpanProcessor({ exporter });
trace.setGlobalTracerProvider(
  new TracerProvider({ sampler, spanProcessors: [new HttpTraceSpanProcessor(inner)] }),
);
// Before ours: it ends its spans before our turn would come, if we waited for our turn.
new UndiciInstrumentation();
const ours = new HttpTraceInstrumentation();

let server: TestServer;
before(async () => {
  server = await serve((req, res) => req.resume().on('end', () => res.end('hello')));
});
after(() => server.close());
afterEach(() => {
  exporter.reset();
  isSampled = true;
});

for (const client of CLIENTS)
  describe(client.name, { skip: client.skip }, () => {
    const send = async (url: string): Promise<ReadableSpan | undefined> => {
      const dispatcher = client.Agent();
      await client.send(url, { dispatcher }).then(
        (answer) => answer.text(),
        () => {},
      );
      await turn();
      await dispatcher.destroy();
      return clientSpans()[0];
    };

    test('mode events: the request’s span has them', async () => {
      ours.setConfig({ mode: 'events' });
      const span = await send(`${server.origin}/`);
      assert.deepEqual(
        span?.events.map(({ name }) => name),
        [
          'http.getconn.start',
          'http.dns.start',
          'http.dns.done',
          'http.connect.start',
          'http.connect.done',
          'http.getconn.done',
          'http.wrote_headers',
          'http.wait.start',
          'http.wait.done',
          'http.receive.start',
          'http.receive.done',
        ],
      );
      assert.equal(span?.attributes['http.conn.reused'], false);
    });

    test('mode events: so has that of a request that fails', async () => {
      ours.setConfig({ mode: 'events' });
      const span = await send(`http://127.0.0.1:${await closedPort()}/`);
      const events = span?.events.map(({ name }) => name).filter((name) => name !== 'exception');
      assert.deepEqual(events, [
        'http.getconn.start',
        'http.connect.start',
        'http.connect.done',
        'http.getconn.done',
      ]);
    });

    test('mode attributes: the durations are on it', async () => {
      ours.setConfig({ mode: 'attributes', headers: ['user-agent', 'host'] });
      const span = await send(`${server.origin}/`);
      const written = Object.keys(span?.attributes ?? {}).filter((key) => /\.duration$/.test(key));
      assert.deepEqual(
        written.sort(),
        ['connect', 'dns', 'getconn', 'receive', 'wait'].map((n) => `http.${n}.duration`),
      );
      assert.deepEqual(span?.attributes['http.request.header.host'], [`localhost:${server.port}`]);
    });

    test('mode spans: the facts about the connection are on it, and its children below', async () => {
      ours.setConfig({});
      const span = await send(`${server.origin}/`);
      assert.ok(span);
      assert.equal(
        tree(span),
        'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }',
      );
      assert.equal(span.attributes['http.conn.reused'], false);
      assert.equal(span.attributes['http.conn.id'], childrenOf(span)[0]?.attributes['http.conn.id']);
    });

    test('a span that is not sampled gets nothing', async () => {
      isSampled = false;
      ours.setConfig({});
      assert.equal(await send(`${server.origin}/`), undefined);
      assert.deepEqual(exporter.getFinishedSpans(), []);
    });
  });

test('nothing is missing, and nobody complains', () => {
  assert.deepEqual(
    messages.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
});
