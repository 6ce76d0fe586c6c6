import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, describe, test } from 'node:test';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { send } from '../support/client';
import { childOf, childrenOf, clientSpan, exporter, tree, written } from '../support/otel';
import { serve, type TestServer } from '../support/servers';

/** What the spans look like, whatever the order in which the instrumentations were registered. */
export function treeTests(): void {
  describe('the tree of an https request', () => {
    let server: TestServer;
    let agent: https.Agent;

    before(async () => {
      server = await serve(
        (req, res) => {
          const answer = () => res.end('hello');
          if (req.url?.startsWith('/slow')) setTimeout(answer, 30);
          else req.resume().on('end', answer);
        },
        { tls: true },
      );
      agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: server.ca });
    });

    after(async () => {
      agent.destroy();
      await server.close();
    });

    const get = (path: string, options = {}) => send(new URL(path, server.origin), { agent, ...options });

    test('cold: getconn holds dns, connect and tls, then come wait and receive', async () => {
      await get('/cold');
      const span = await written('/cold');
      assert.equal(
        tree(span),
        'GET > { http.getconn > { http.dns, http.connect, http.tls }, http.wait, http.receive }',
      );
      for (const child of childrenOf(span)) assert.equal(child.kind, SpanKind.INTERNAL);
      const getConn = childOf(span, 'http.getconn');
      assert.equal(getConn.attributes['http.conn.reused'], false);
      assert.equal(getConn.attributes['http.conn.wasidle'], false);
      assert.equal(getConn.attributes['http.conn.request_count'], 1);
      assert.equal(getConn.attributes['server.address'], 'localhost');
      assert.equal(getConn.attributes['server.port'], server.port);
      assert.equal(getConn.attributes['network.peer.address'], '127.0.0.1');
      assert.equal(getConn.attributes['network.peer.port'], server.port);
      assert.equal(getConn.attributes['network.local.port'], server.remotePorts.get('/cold'));
      assert.equal(getConn.attributes['network.transport'], 'tcp');
      assert.equal(getConn.attributes['network.type'], 'ipv4');
      assert.equal(childOf(getConn, 'http.dns').attributes['dns.question.name'], 'localhost');
      assert.deepEqual(childOf(getConn, 'http.dns').attributes['dns.answers'], ['127.0.0.1']);
      assert.equal(childOf(getConn, 'http.dns').attributes['http.dns.coalesced'], false);
      assert.equal(childOf(getConn, 'http.connect').attributes['network.peer.port'], server.port);
      const tls = childOf(getConn, 'http.tls').attributes;
      assert.equal(tls['tls.protocol.name'], 'tls');
      assert.equal(tls['tls.protocol.version'], '1.3');
      assert.equal(tls['tls.resumed'], false);
      assert.match(String(tls['tls.cipher']), /^TLS_/);
    });

    test('reused: no getconn, dns, connect or tls; the span says reused and how long it was idle', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await get('/reused');
      const span = await written('/reused');
      assert.equal(tree(span), 'GET > { http.wait, http.receive }');
      assert.equal(span.attributes['http.conn.reused'], true);
      assert.equal(span.attributes['http.conn.wasidle'], true);
      assert.ok(Number(span.attributes['http.conn.idle_time']) > 0.01);
      assert.equal(span.attributes['http.conn.wait_time'], undefined);
      assert.equal(span.attributes['http.conn.request_count'], 2);
      assert.equal(span.attributes['http.conn.id'], clientSpan('/cold').attributes['http.conn.id']);
    });

    test('reused: its first phase is linked to the span that opened the connection', async () => {
      const opener = childOf(clientSpan('/cold'), 'http.getconn').spanContext();
      const [first, second] = childrenOf(clientSpan('/reused'));
      assert.deepEqual(
        first?.links.map(({ context }) => context.spanId),
        [opener.spanId],
      );
      assert.deepEqual(
        first?.links.map(({ context }) => context.traceId),
        [opener.traceId],
      );
      assert.deepEqual(second?.links, []);
    });

    test('queued: getconn is the waiting, without a dial, and the connection was not idle', async () => {
      await Promise.all([get('/slow'), get('/queued')]);
      const holder = await written('/slow');
      const span = await written('/queued');
      assert.equal(tree(span), 'GET > { http.getconn, http.wait, http.receive }');
      assert.equal(span.attributes['http.conn.reused'], true);
      assert.equal(span.attributes['http.conn.wasidle'], false);
      assert.equal(span.attributes['http.conn.idle_time'], undefined);
      assert.ok(Number(span.attributes['http.conn.wait_time']) > 0.01);
      const getConn = childOf(span, 'http.getconn');
      assert.equal(getConn.attributes['http.conn.wait_time'], span.attributes['http.conn.wait_time']);
      assert.equal(getConn.links.length, 1);
      assert.equal(span.attributes['http.conn.id'], holder.attributes['http.conn.id']);
    });

    test('a body is sent in a phase of its own', async () => {
      await get('/post', { method: 'POST', body: 'x'.repeat(100_000) });
      assert.equal(tree(await written('/post')), 'POST > { http.send, http.wait, http.receive }');
    });

    test('the return to the pool is an event of the last phase', async () => {
      const receive = childOf(await written('/post'), 'http.receive');
      assert.deepEqual(
        receive.events.map(({ name }) => name),
        ['http.put_idle_conn'],
      );
      const send = childOf(clientSpan('/post'), 'http.send');
      assert.deepEqual(
        send.events.map(({ name }) => name),
        ['http.wrote_headers'],
      );
    });

    test('nothing that went well has an error status', () => {
      for (const span of exporter.getFinishedSpans())
        assert.notEqual(span.status.code, SpanStatusCode.ERROR, span.name);
    });
  });
}
