import assert from 'node:assert/strict';
import https from 'node:https';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { withClientTrace } from '../../src';
import { certificate } from '../support/certs';
import { httpProxy } from '../support/proxies';
import { Recorder } from '../support/recorder';
import { serve } from '../support/servers';
import { sequenceOf } from './sequence';
import { watchAgents } from './suite';

watchAgents();

/** Version 5, with agent-base 6. */
const HttpsProxyAgent5: new (proxy: string) => https.Agent = require('https-proxy-agent-5');

for (const [name, Agent] of Object.entries({ HttpsProxyAgent, HttpsProxyAgent5 }))
  test(`${name} looks for https among the ten frames of a stack trace: we leave it room`, async (t) => {
    const server = await serve((_req, res) => res.end('hello'), { tls: await certificate('target.test') });
    const proxy = await httpProxy(t);
    const agent = new Agent(proxy.origin);
    t.after(() => server.close());
    t.after(() => agent.destroy());
    const { ca, port } = server;
    const recorder = new Recorder();
    // Two of ours at most, and three to spare for others who wrap the same methods.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = limit - 3;
    const status = await context.with(
      withClientTrace(context.active(), recorder.trace),
      () =>
        new Promise((resolve, reject) => {
          // No URL, so that the agent is not told the protocol.
          const req = https.get({ host: 'target.test', port, agent, ...(ca && { ca }) });
          Error.stackTraceLimit = limit;
          req.on('error', reject);
          req.on('response', (res) => res.resume().on('end', () => resolve(res.statusCode)));
        }),
    );
    await recorder.done;
    recorder.assertInvariants();
    assert.equal(status, 200);
    assert.match(sequenceOf(recorder), /^GC DS DD CS CD TS TD GO HF WH WR FB /);
  });
