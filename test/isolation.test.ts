import assert from 'node:assert/strict';
import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { after, before, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { type ClientTrace, HttpTraceInstrumentation, withClientTrace } from '../src';
import { HOOKS } from '../src/hooks';
import { send } from './support/client';
import { collectDiag } from './support/diag';
import { registerContextManager } from './support/otel';
import { Recorder } from './support/recorder';
import { serve, type TestServer } from './support/servers';

registerContextManager();
const messages = collectDiag();
const ours = new HttpTraceInstrumentation({ mode: 'off' });

let server: TestServer;
let agent: https.Agent;
before(async () => {
  server = await serve(
    (req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      req.resume().on('end', () => res.end('hello'));
    },
    { tls: true },
  );
});
after(() => server.close());

/** The request that was made last. */
let made: ClientRequest | undefined;

/** A request whose life passes through all seventeen hooks. */
async function everything(trace: ClientTrace) {
  made = undefined;
  agent = new https.Agent({ keepAlive: true, ca: server.ca });
  const events: string[] = [];
  const result = await context.with(withClientTrace(context.active(), trace), () =>
    send(new URL('/', server.origin), {
      agent,
      method: 'POST',
      headers: { Expect: '100-continue' },
      onRequest: (req) => {
        made = req;
        for (const event of ['socket', 'continue', 'information', 'response', 'finish', 'close'])
          req.on(event, () => events.push(event));
        req.on('continue', () => req.end('body'));
      },
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  agent.destroy();
  return { ...result, events };
}

test('one request can pass through all seventeen hooks', async () => {
  const recorder = new Recorder();
  await everything(recorder.trace);
  recorder.assertInvariants();
  for (const hook of HOOKS) assert.ok(recorder.count(hook) > 0, `${hook}: ${recorder.sequence()}`);
});

for (const hook of HOOKS) {
  test(`a ${hook} that throws: the application notices nothing, diag says it once, the other hooks run`, async () => {
    const expected = await everything({});
    const inner = new Recorder();
    const boom = () => {
      throw new Error(`boom in ${hook}`);
    };
    messages.length = 0;
    const ctx = withClientTrace(context.active(), inner.trace);
    const result = await context.with(ctx, () => everything({ [hook]: boom }));
    assert.deepEqual(result, expected);
    inner.assertInvariants();
    for (const other of HOOKS) assert.ok(inner.count(other) > 0, other);
    const errors = messages.filter(({ level }) => level === 'error');
    assert.equal(errors.length, 1, JSON.stringify(errors));
    assert.match(errors[0]?.text ?? '', new RegExp(`hook ${hook} .*boom in ${hook}`));
  });
}

test('disable() in the middle of a request: the application notices nothing, diag says so, no hook is called after', async () => {
  for (const moment of HOOKS.filter((hook) => hook !== 'roundTripDone')) {
    const expected = await everything({});
    messages.length = 0;
    const recorder = new Recorder();
    const record = recorder.trace[moment] as (...args: unknown[]) => void;
    const trace = {
      ...recorder.trace,
      [moment]: (...args: unknown[]) => {
        record(...args);
        ours.disable();
      },
    };
    assert.deepEqual(await everything(trace), expected);
    assert.equal(recorder.calls.at(-1)?.hook, moment);
    assert.ok(messages.some(({ level, text }) => level === 'warn' && /disabled while 1 traced/.test(text)));
    ours.enable();
  }
});

for (const hook of HOOKS)
  test(`a ${hook} that destroys the request ends it, and nothing else`, async () => {
    const recorder = new Recorder();
    const record = recorder.trace[hook] as (...args: unknown[]) => void;
    const { error } = await everything({
      ...recorder.trace,
      [hook]: (...args: unknown[]) => {
        record(...args);
        made?.destroy(new Error('enough'));
      },
    });
    await recorder.done;
    recorder.assertInvariants();
    // Too early, there is nothing to destroy yet, or too late.
    const misses = ['getConn', 'dnsStart', 'putIdleConn', 'roundTripDone'].includes(hook);
    assert.equal(error?.message, misses ? undefined : 'enough', recorder.sequence());
  });

test('a hook may destroy the request while another address is about to be tried', async () => {
  const lookup: LookupFunction = (_host, _options, callback) =>
    process.nextTick(callback, null, [
      // Refused by the system at once, without an attempt.
      { address: '255.255.255.255', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const recorder = new Recorder();
  let req: ClientRequest | undefined;
  const trace = { ...recorder.trace, connectDone: () => void req?.destroy(new Error('enough')) };
  const error = await new Promise((resolve) => {
    req = context.with(withClientTrace(context.active(), trace), () =>
      http.get({ host: 'two.test', port: server.port, agent: false, lookup }),
    );
    req.on('error', resolve);
  });
  assert.equal((error as Error).message, 'enough');
  assert.equal(recorder.calls.at(-1)?.hook, 'roundTripDone');
});

test('a request that a hook makes is not traced, however often the hook is called', async () => {
  let inside = 0;
  const requests: Promise<unknown>[] = [];
  const recorder = new Recorder();
  const outcome = await everything({
    ...recorder.trace,
    connectStart: () => {
      inside++;
      requests.push(send(new URL('/', server.origin), { rejectUnauthorized: false, agent: false }));
    },
  });
  assert.equal(outcome.status, 200);
  await Promise.all(requests);
  assert.equal(recorder.count('getConn'), 1);
  assert.equal(inside, recorder.count('connectDone'));
});

/** A request by http, with something done to it before it is sent. */
async function tampered(tamper: (req: ClientRequest) => void) {
  const plain = await serve((_req, res) => res.end('hello'));
  const recorder = new Recorder();
  const result = await context.with(withClientTrace(context.active(), recorder.trace), () =>
    send(new URL('/', plain.origin), {
      agent: false,
      onRequest: (req) => {
        tamper(req);
        req.end();
      },
    }),
  );
  await plain.close();
  return { ...result, recorder };
}

test('what fails in us is missing, diag says so, and the application notices nothing', async () => {
  messages.length = 0;
  const { body, recorder } = await tampered((req) => {
    Object.defineProperty(req, '_contentLength', {
      get() {
        throw new Error('no');
      },
      set() {},
    });
  });
  assert.equal(body, 'hello');
  assert.equal(recorder.count('wroteHeaderField'), 0);
  assert.equal(recorder.calls.at(-1)?.hook, 'roundTripDone');
  assert.ok(messages.some(({ level, text }) => level === 'error' && /failed; what it reports/.test(text)));
});

test('events that the application emits once more are no second moments', async () => {
  const { recorder } = await tampered((req) => {
    for (const event of ['finish', 'socket'] as const)
      req.once(event, (...args: unknown[]) => void (req.emit as (...all: unknown[]) => void)(event, ...args));
  });
  recorder.assertInvariants();
});
