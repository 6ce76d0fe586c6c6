import assert from 'node:assert/strict';
import type http from 'node:http';
import type net from 'node:net';
import { after, before, test } from 'node:test';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { HttpTraceInstrumentation } from '../../src';
import { type GetOptions, request, send } from '../support/client';
import {
  childrenOf,
  clientSpan,
  exporter,
  registerHttpInstrumentation,
  registerSdk,
  tree,
} from '../support/otel';
import { closedPort, serve, serveRaw, type TestServer } from '../support/servers';

registerSdk();
registerHttpInstrumentation();
const ours = new HttpTraceInstrumentation();

let secure: TestServer;
let cutting: TestServer;
let silent: TestServer;
let refused: { port: number; origin: string };
before(async () => {
  secure = await serve((_req, res) => res.end(), { tls: true });
  cutting = await serve((req, res) => {
    if (req.url?.startsWith('/body')) res.writeHead(200, { 'Content-Length': 10 }).write('part');
    if (req.url?.startsWith('/body-kept')) return;
    setTimeout(() => req.socket.destroy(), 5);
  });
  silent = await serveRaw(() => {});
  const port = await closedPort();
  refused = { port, origin: `http://localhost:${port}` };
});
after(async () => {
  await Promise.all([secure.close(), cutting.close(), silent.close()]);
});

interface Failure {
  readonly name: string;
  readonly to: () => { port: number; origin: string };
  readonly path?: string;
  readonly options?: () => GetOptions;
  /** The tree that is written, and the phase that failed with its error.type. */
  readonly tree: string;
  readonly failed: string;
  readonly type: string;
}

const lookup: net.LookupFunction = (host, _options, callback) => {
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
  setImmediate(callback, error, '', 0);
};
const written = (req: http.ClientRequest, then: () => void) => void req.end().once('finish', then);
const connected = (req: http.ClientRequest, then: () => void) =>
  void req.end().once('socket', (socket) => socket.once('connect', then));
/** Gives up a while after it was written, or connected: however busy the machine is, it has come as far as that. */
const giveUp = (after: typeof written) => (req: http.ClientRequest) =>
  after(req, () => {
    req.setTimeout(30, () => req.destroy(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })));
  });
const abort = () => {
  const controller = new AbortController();
  const onRequest = (req: http.ClientRequest) => written(req, () => setImmediate(() => controller.abort()));
  return { signal: controller.signal, onRequest };
};

const failures: Failure[] = [
  {
    name: 'in dns',
    to: () => refused,
    options: () => ({ lookup }),
    tree: 'GET > { http.getconn > { http.dns } }',
    failed: 'http.dns',
    type: 'ENOTFOUND',
  },
  {
    name: 'in connect',
    to: () => refused,
    tree: 'GET > { http.getconn > { http.dns, http.connect } }',
    failed: 'http.connect',
    type: 'ECONNREFUSED',
  },
  {
    name: 'in tls',
    to: () => ({ port: secure.port, origin: secure.origin }),
    tree: 'GET > { http.getconn > { http.dns, http.connect, http.tls } }',
    failed: 'http.tls',
    type: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  },
  {
    name: 'before the response',
    to: () => cutting,
    tree: 'GET > { http.getconn > { http.dns, http.connect }, http.wait }',
    failed: 'http.wait',
    type: 'ECONNRESET',
  },
  {
    name: 'in the body',
    to: () => cutting,
    path: 'body',
    tree: 'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }',
    failed: 'http.receive',
    type: 'ECONNRESET',
  },
  {
    name: 'by a signal while waiting',
    to: () => silent,
    options: abort,
    tree: 'GET > { http.getconn > { http.dns, http.connect }, http.wait }',
    failed: 'http.wait',
    type: 'ABORT_ERR',
  },
  {
    name: 'by destroy while reading',
    to: () => cutting,
    path: 'body-kept',
    options: () => ({
      onRequest: (req) => req.end(),
      onResponse: (_res, req) => setImmediate(() => req.destroy()),
    }),
    tree: 'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }',
    failed: 'http.receive',
    type: 'ECONNRESET',
  },
  {
    name: 'by a timeout',
    to: () => silent,
    options: () => ({ onRequest: giveUp(written) }),
    tree: 'GET > { http.getconn > { http.dns, http.connect }, http.wait }',
    failed: 'http.wait',
    type: 'ETIMEDOUT',
  },
  {
    name: 'by a timeout in the handshake',
    to: () => ({ port: silent.port, origin: silent.origin.replace('http:', 'https:') }),
    options: () => ({ onRequest: giveUp(connected) }),
    tree: 'GET > { http.getconn > { http.dns, http.connect, http.tls } }',
    failed: 'http.tls',
    type: 'ETIMEDOUT',
  },
];

function below(span: ReadableSpan): ReadableSpan[] {
  return childrenOf(span).flatMap((child) => [child, ...below(child)]);
}

for (const [i, failure] of failures.entries()) {
  test(`a failure ${failure.name}: the phase that failed has the error, all are ended, none is orphaned`, async () => {
    const path = `/${failure.path ?? 'failure'}-${i}`;
    const { recorder } = await request(failure.to(), path, failure.options?.());
    const span = clientSpan(path);
    assert.equal(tree(span), failure.tree, recorder.sequence());
    for (const each of below(span)) {
      const isPart =
        each.name === failure.failed || (each.name === 'http.getconn' && below(each).some(hasError));
      assert.equal(hasError(each), isPart, each.name);
      assert.equal(each.attributes['error.type'], isPart ? failure.type : undefined, each.name);
    }
    const known = new Set(exporter.getFinishedSpans().map((each) => each.spanContext().spanId));
    for (const each of exporter.getFinishedSpans())
      assert.ok(
        each.kind !== SpanKind.INTERNAL || known.has(each.parentSpanContext?.spanId ?? ''),
        `${each.name} is orphaned`,
      );
  });

  test(`a failure ${failure.name}: the application sees the error it would see without us`, async () => {
    const url = new URL(`/${failure.path ?? 'failure'}-untraced`, failure.to().origin);
    const seen = async () => {
      const { error, ...rest } = await send(url, failure.options?.());
      const {
        message,
        name,
        code,
        stack: _,
        ...more
      } = { message: error?.message, name: error?.name, ...error };
      return { ...rest, message, name, code, more: Object.keys(more).sort() };
    };
    const traced = await seen();
    ours.disable();
    const untraced = await seen();
    ours.enable();
    assert.deepEqual(traced, untraced);
    assert.ok(traced.message);
  });
}

function hasError(span: ReadableSpan): boolean {
  return span.status.code === SpanStatusCode.ERROR;
}
