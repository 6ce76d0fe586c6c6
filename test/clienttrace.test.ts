import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ClientTrace, contextClientTrace, withClientTrace } from '../src';
import { HOOKS } from '../src/hooks';
import { collectDiag } from './support/diag';

const messages = collectDiag();
beforeEach(() => {
  messages.length = 0;
});

function attached(...traces: ClientTrace[]): ClientTrace {
  const ctx = traces.reduce(withClientTrace, ROOT_CONTEXT);
  const trace = contextClientTrace(ctx);
  assert.ok(trace);
  return trace;
}

test('without a context manager attaching warns once, and attaches', () => {
  for (let i = 0; i < 2; i++) attached({ getConn: () => {} });
  assert.deepEqual(
    messages.map(({ level }) => level),
    ['warn'],
  );
  assert.match(messages[0]?.text ?? '', /no context manager is registered/);
});

test('a context that has none has none', () => {
  assert.equal(contextClientTrace(ROOT_CONTEXT), undefined);
});

test('the newer trace is called first, then the older, with the same arguments', () => {
  const calls: unknown[] = [];
  const tracing = (name: string) => ({ getConn: (hostPort: string) => void calls.push([name, hostPort]) });
  attached(tracing('oldest'), tracing('older'), tracing('newest')).getConn?.('host:1');
  assert.deepEqual(calls, [
    ['newest', 'host:1'],
    ['older', 'host:1'],
    ['oldest', 'host:1'],
  ]);
});

test('the same trace attached twice runs twice', () => {
  let calls = 0;
  const trace = { wroteHeaders: () => void calls++ };
  attached(trace, trace).wroteHeaders?.();
  assert.equal(calls, 2);
});

test('the caller’s object is never changed: frozen, and shared between two contexts, it stays what it is', () => {
  const calls: string[] = [];
  const shared = Object.freeze({ getConn: () => void calls.push('shared') });
  const first = attached({ getConn: () => void calls.push('first') }, shared);
  const second = attached({ getConn: () => void calls.push('second') }, shared);
  second.getConn?.('');
  first.getConn?.('');
  assert.deepEqual(calls, ['shared', 'second', 'shared', 'first']);
});

test('hooks are called as methods of the trace object, from its class too', () => {
  class Counting implements ClientTrace {
    count = 0;
    getConn() {
      this.count++;
    }
  }
  const counting = new Counting();
  attached(counting, counting).getConn?.('');
  assert.equal(counting.count, 2);
});

test('a hook that no trace has is absent', () => {
  const trace = attached({ getConn: () => {} }, { gotConn: () => {} });
  for (const hook of HOOKS)
    assert.equal(typeof trace[hook], hook === 'getConn' || hook === 'gotConn' ? 'function' : 'undefined');
});

test('of got1xxResponse all are called, and the first error wins, newer first', () => {
  const calls: string[] = [];
  const answering = (name: string, answer?: Error) => ({
    got1xxResponse: () => {
      calls.push(name);
      return answer;
    },
  });
  const [one, two] = [new Error('one'), new Error('two')];
  const answer = (...traces: ClientTrace[]) => attached(...traces).got1xxResponse?.(103, {});
  assert.equal(answer(answering('a', one), answering('b', two)), two);
  assert.equal(answer(answering('c', one), answering('d')), one);
  assert.equal(answer(answering('e'), answering('f')), undefined);
  assert.deepEqual(calls, ['b', 'a', 'd', 'c', 'f', 'e']);
});

test('a hook that throws is reported once, by name; the others run; nothing reaches the caller', () => {
  for (const hook of HOOKS) {
    messages.length = 0;
    let others = 0;
    const boom = () => {
      throw new Error('boom');
    };
    const trace = attached(
      { [hook]: () => void others++ },
      { [hook]: boom },
      { [hook]: () => void others++ },
    );
    for (let i = 0; i < 3; i++) (trace[hook] as () => void)();
    assert.equal(others, 6);
    assert.equal(messages.length, 1);
    assert.match(messages[0]?.text ?? '', new RegExp(`hook ${hook} threw.*boom`));
  }
});

test('a hook that returns a promise that rejects is reported, and is no unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', listener);
  attached({ getConn: async () => Promise.reject(new Error('boom')) }).getConn?.('');
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', listener);
  assert.deepEqual(unhandled, []);
  assert.match(messages[0]?.text ?? '', /hook getConn threw.*boom/);
});

test('bad input gets a clear TypeError at once', () => {
  const bad = (ctx: unknown, trace: unknown) => () => withClientTrace(ctx as Context, trace as ClientTrace);
  const ctx = context.active();
  for (const [call, message] of [
    [bad(ctx, null), 'withClientTrace: trace must be an object of hooks, got null'],
    [bad(ctx, undefined), 'withClientTrace: trace must be an object of hooks, got undefined'],
    [bad(ctx, () => {}), 'withClientTrace: trace must be an object of hooks, got function'],
    [bad(ctx, { dnsDone: 'no' }), 'withClientTrace: hook dnsDone must be a function, got string'],
    [bad(ctx, { gotConn: null }), 'withClientTrace: hook gotConn must be a function, got null'],
    [bad(undefined, {}), 'withClientTrace: ctx must be a Context, e.g. context.active()'],
    [bad({}, {}), 'withClientTrace: ctx must be a Context, e.g. context.active()'],
  ] as const)
    assert.throws(call, { name: 'TypeError', message });
});
