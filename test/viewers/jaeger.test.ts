import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { LANES } from '../../examples/traffic/lanes';
import { type Jaeger, type JaegerSpan, type JaegerTrace, noJaeger, openJaeger } from '../support/jaeger';
import { childrenOf, linesOf, linksOf, parentOf, rootOf, tag, treeOf } from '../support/jaegertrees';
import { runExample } from '../support/program';

// What a user sees who follows examples/jaeger, asked of a real Jaeger.

const service = `httptrace-test-${randomUUID()}`;
let jaeger: Jaeger;
let traces: JaegerTrace[];

describe('in Jaeger', { skip: noJaeger() }, () => {
  before(async () => {
    jaeger = await openJaeger();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlp, OTEL_SERVICE_NAME: service };
    const { code, stderr } = await runExample('traffic/main.js', ['--seconds', '1'], env);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    traces = await complete(() => jaeger.search({ service }));
    console.log('\nSome of what Jaeger returned:\n');
    for (const path of ['/cold', '/queue', '/refused', '/stale'])
      console.log(`${[...linesOf(request(path).trace)].join('\n')}\n`);
  });
  after(() => jaeger?.close());

  test('a cold request has every phase of its dial below http.getconn', () => {
    const { trace, span } = request('/cold');
    assert.equal(
      treeOf(trace, span),
      'GET > { http.getconn > { http.dns, http.connect, http.tls }, http.wait, http.receive }',
    );
    assert.equal(tag(span, 'http.conn.reused'), false);
    const [getconn] = childrenOf(trace, span) as [JaegerSpan];
    const [dns, connect, tls] = childrenOf(trace, getconn) as [JaegerSpan, JaegerSpan, JaegerSpan];
    assert.equal(tag(dns, 'dns.question.name'), 'localhost');
    assert.equal(tag(connect, 'network.transport'), 'tcp');
    assert.match(String(tag(tls, 'tls.protocol.version')), /^1\.[23]$/);
  });

  test('a reused connection has no dial, tells its idle time, and links to the span that opened it', () => {
    const cold = request('/cold');
    const { trace, span } = request('/reused', ({ traceID }) => traceID === cold.trace.traceID);
    assert.equal(treeOf(trace, span), 'GET > { http.wait, http.receive }');
    assert.equal(tag(span, 'http.conn.reused'), true);
    assert.equal(tag(span, 'http.conn.wasidle'), true);
    assert.equal(tag(span, 'http.conn.id'), tag(cold.span, 'http.conn.id'));
    const idle = tag(span, 'http.conn.idle_time');
    assert.ok(typeof idle === 'number' && idle > 0.1 && idle < 60, String(idle));
    const [wait] = childrenOf(trace, span) as [JaegerSpan];
    const [opener] = linksOf(trace, wait);
    assert.equal(opener, childrenOf(cold.trace, cold.span)[0]);
  });

  test('a request that waited for a socket says so, and dialled nothing', () => {
    const queued = requests('/queue').filter(({ span }) => tag(span, 'http.conn.reused') === true);
    assert.ok(queued.length >= 4);
    for (const { trace, span } of queued) {
      assert.equal(treeOf(trace, span), 'GET > { http.getconn, http.wait, http.receive }');
      const [getconn] = childrenOf(trace, span) as [JaegerSpan];
      const waited = Number(tag(span, 'http.conn.wait_time'));
      assert.ok(Math.abs(waited * 1e6 - getconn.duration) < 1_000, `${waited} s, ${getconn.duration} µs`);
    }
  });

  test('fetch has the same phases, of its own connection', () => {
    const fetched = requests('/fetched').sort((a, b) => a.span.startTime - b.span.startTime);
    const [first, ...others] = fetched.map(({ trace, span }) => treeOf(trace, span));
    assert.equal(first, 'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }');
    assert.ok(others.length >= 2);
    for (const tree of others) assert.equal(tree, 'GET > { http.wait, http.receive }');
    const reused = fetched.map(({ span }) => tag(span, 'http.conn.reused'));
    assert.deepEqual(reused, [false, ...others.map(() => true)]);
  });

  test('a failed request is an error in the phase that failed, by Node’s code, and in those around it', () => {
    const refused = request('/refused');
    assert.equal(treeOf(refused.trace, refused.span), 'GET > { http.getconn > { http.dns, http.connect } }');
    const failed = refused.trace.spans.filter((span) => tag(span, 'error') === true);
    assert.deepEqual(failed.map((span) => span.operationName).sort(), [
      'GET',
      'http.connect',
      'http.getconn',
    ]);
    for (const { operationName, tags } of failed)
      if (operationName !== 'GET')
        assert.equal(tags.find(({ key }) => key === 'error.type')?.value, 'ECONNREFUSED', operationName);

    const stale = request('/stale');
    assert.ok(Number(tag(stale.span, 'http.conn.idle_time')) > 4);
    const [last] = childrenOf(stale.trace, stale.span).slice(-1) as [JaegerSpan];
    assert.equal(tag(last, 'error.type'), 'ECONNRESET');
  });

  test('durations are those of what happened, and every phase lies within its request', () => {
    const { trace, span } = request('/far');
    const dns = trace.spans.find(({ operationName }) => operationName === 'http.dns');
    // The lookup is given 250 ms, by a timer; all there is besides is a machine that is slow.
    assert.ok(dns && dns.duration > 240_000 && dns.duration <= span.duration, String(dns?.duration));
    for (const each of traces)
      for (const child of each.spans) {
        const parent = parentOf(each, child);
        assert.equal(child.warnings, null, `${child.operationName} in ${parent?.operationName}`);
        if (!child.operationName.startsWith('http.')) continue;
        assert.ok(parent, child.operationName);
        assert.ok(child.startTime >= parent.startTime, child.operationName);
        // Jaeger cuts nanoseconds off both the start and the duration.
        assert.ok(child.startTime + child.duration <= parent.startTime + parent.duration + 1);
      }
  });

  test('the searches of the README find what they are there for', async () => {
    const found: Record<string, string[]> = {};
    for (const { question, ...search } of searches()) {
      const titles = (await jaeger.search({ service, ...search })).map(
        (trace) => rootOf(trace).operationName,
      );
      found[question] = [...new Set(titles)].sort();
    }
    // On a busy machine others may be that slow.
    const { 'cold connections slower than 200 ms': slow, ...rest } = found;
    assert.ok(slow?.includes('a slow lookup'), String(slow));
    assert.deepEqual(rest, {
      'requests that waited for a socket': ['six at once, two sockets'],
      'failures on connections that had been idle': ['a connection that died in the pool'],
      'connections that were refused': ['nobody there'],
    });
  });
});

/** Asks until every lane is there: a Jaeger may collect for a while before it stores. */
async function complete(ask: () => Promise<JaegerTrace[]>): Promise<JaegerTrace[]> {
  for (let i = 0; i < 300; i++) {
    const found = await ask();
    // Of each trace the root is exported last.
    const roots = found.flatMap(({ spans }) => spans.filter(({ references }) => references.length === 0));
    const titles = roots.map(({ operationName }) => operationName);
    if (LANES.every(({ title }) => titles.includes(title))) return found;
    await pause(100);
  }
  throw new Error('Jaeger has not got every trace');
}

interface Request {
  readonly trace: JaegerTrace;
  readonly span: JaegerSpan;
}

function requests(path: string): Request[] {
  return traces.flatMap((trace) =>
    trace.spans
      .filter((span) => String(tag(span, 'url.full')).endsWith(path))
      .map((span) => ({ trace, span })),
  );
}

function request(path: string, where: (trace: JaegerTrace) => boolean = () => true): Request {
  const found = requests(path).find(({ trace }) => where(trace));
  assert.ok(found, `Jaeger has ${path}`);
  return found;
}

/** The rows of the README's table of searches. */
function searches() {
  const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');
  const [, table = ''] = /^\| question \| Jaeger.*\n\|.*\n((?:\|.*\n)+)/m.exec(readme) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()));
  assert.ok(rows.length >= 3);
  return rows.map(([, question = '', operation = '', tags = '', minDuration = '']) => {
    const bare = (cell: string) => cell.replaceAll('`', '');
    return {
      question,
      ...(operation && { operation: bare(operation) }),
      ...(tags && {
        tags: Object.fromEntries(
          bare(tags)
            .split(' ')
            .map((each) => each.split('=')),
        ),
      }),
      ...(minDuration && { minDuration: bare(minDuration) }),
    };
  });
}
