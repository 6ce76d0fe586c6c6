import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { context, type Span, trace } from '@opentelemetry/api';
import { HttpTraceInstrumentation } from '../../src';
import { childrenOf, exporter, registerSdk, tree } from '../support/otel';
import { serve, type TestServer } from '../support/servers';

// An APM that begins its span when the request has been made, makes it active for nobody, and tells the server of it.

const provider = registerSdk();
const tracer = provider.getTracer('apm');
new HttpTraceInstrumentation();
const agent = new http.Agent({ keepAlive: true });

let server: TestServer;
before(async () => {
  server = await serve((_req, res) => res.end('hello'));
});
after(async () => {
  agent.destroy();
  await server.close();
});

const HEADERS = {
  traceparent: (span: Span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`,
  'sentry-trace': (span: Span) => `${span.spanContext().traceId}-${span.spanContext().spanId}-1`,
};

/** A request in a job, with a span of the APM's; returns the tree of the job. */
async function job(header: keyof typeof HEADERS | undefined): Promise<string> {
  exporter.reset();
  const span = tracer.startSpan('job');
  const ctx = trace.setSpan(context.active(), span);
  await context.with(ctx, async () => {
    const req = http.request(server.origin, { agent });
    const late = tracer.startSpan('late');
    if (header !== undefined) req.setHeader(header, HEADERS[header](late));
    req.end();
    await new Promise((resolve) => req.on('response', (res) => res.resume().on('close', resolve)));
    late.end();
  });
  await new Promise((resolve) => setImmediate(resolve));
  span.end();
  const found = exporter.getFinishedSpans().find(({ name }) => name === 'job');
  assert.ok(found);
  // Whose connection it was, only the first phase can tell when no more than the ids of the request's span are known.
  assert.equal('http.conn.reused' in found.attributes, header === undefined);
  const first = exporter.getFinishedSpans().find(({ name }) => name === 'late');
  const facts = first && childrenOf(first)[0]?.attributes;
  assert.equal(facts !== undefined && 'http.conn.reused' in facts, header !== undefined);
  return tree(found);
}

test('a span that is begun after the request, and named by its traceparent, is the parent of the phases', async () => {
  assert.equal(
    await job('traceparent'),
    'job > { late > { http.getconn > { http.dns, http.connect }, http.wait, http.receive } }',
  );
  assert.equal(await job('traceparent'), 'job > { late > { http.wait, http.receive } }');
});

test('Sentry’s header names it, too', async () => {
  assert.equal(await job('sentry-trace'), 'job > { late > { http.wait, http.receive } }');
});

test('without a header the phases belong to the active span', async () => {
  // The span of the APM has a clock of its own, of whole milliseconds: it may seem to begin at any time.
  assert.equal(
    (await job(undefined)).replace('late, ', '').replace(', late', ''),
    'job > { http.wait, http.receive }',
  );
});

test('without a header the active span has the facts of its connection while it runs: it may end with the body', async () => {
  exporter.reset();
  const span = tracer.startSpan('ends with the body');
  await context.with(trace.setSpan(context.active(), span), async () => {
    const req = http.get(server.origin, { agent });
    await new Promise((resolve) =>
      req.on('response', (res) => {
        res.resume().on('end', () => span.end());
        res.on('close', resolve);
      }),
    );
  });
  const [found] = exporter.getFinishedSpans();
  assert.equal(found?.name, 'ends with the body');
  assert.equal(found.attributes['http.conn.reused'], true);
});
