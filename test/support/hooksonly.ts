import assert from 'node:assert/strict';
import net from 'node:net';
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpTraceInstrumentation } from '../../src';
import { registerContextManager } from './otel';

/** Instruments the process for hooks and nothing else: no SDK, no spans. When the tests are over, nothing must be left that would keep it alive. */
export function instrumentForHooks(): HttpTraceInstrumentation {
  // A refusal must not come too late on a busy machine.
  net.setDefaultAutoSelectFamilyAttemptTimeout(10_000);
  registerContextManager();
  const instrumentation = new HttpTraceInstrumentation({ mode: 'off' });
  after(async () => {
    instrumentation.disable();
    for (let i = 0; i < 100 && stillOpen().length > 0; i++) await pause(20);
    assert.deepEqual(stillOpen(), [], 'no socket, server or timer is left');
  });
  return instrumentation;
}

/** What would keep the process alive; pipes are the test runner's. */
function stillOpen(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'TTYWrap');
}
