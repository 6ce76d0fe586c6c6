import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { contextClientTrace, withClientTrace } from '../src';

/** The package once more, as a dependency of a dependency may bring it along. */
function anotherCopy(): typeof import('../src') {
  for (const path of Object.keys(require.cache))
    if (path.startsWith(require.resolve('../src').replace(/index\.js$/, ''))) delete require.cache[path];
  return require('../src');
}

// In a process of its own: here no trace was ever attached before.
test('a trace that another copy of the package has attached is found, and the other way round', () => {
  const other = anotherCopy();
  assert.notEqual(other.withClientTrace, withClientTrace);
  const calls: string[] = [];
  const ctx = other.withClientTrace(ROOT_CONTEXT, { getConn: (hostPort) => void calls.push(hostPort) });
  contextClientTrace(ctx)?.getConn?.('host:1');
  assert.deepEqual(calls, ['host:1']);
  assert.ok(other.contextClientTrace(withClientTrace(ROOT_CONTEXT, {})));
});

test('what the copies share does not show among the global names', () => {
  assert.deepEqual(
    Object.keys(Object.getOwnPropertyDescriptors(globalThis)).filter((name) => /httptrace/.test(name)),
    [],
  );
  const shared = Symbol.for('opentelemetry-instrumentation-httptrace ClientTrace');
  assert.equal(Object.getOwnPropertyDescriptor(globalThis, shared)?.enumerable, false);
});
