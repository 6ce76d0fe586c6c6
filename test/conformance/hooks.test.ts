import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { context, DiagLogLevel, diag } from '@opentelemetry/api';
import { type ClientTrace, withClientTrace } from '../../src';
import type { HookName } from '../../src/clienttrace';
import { Recorder } from '../support/recorder';
import { answering, conformance, stage } from './stage';

const under = <T>(traces: ClientTrace[], make: () => T): T =>
  context.with(traces.reduce(withClientTrace, context.active()), make);

/** The hook throws; its request is recorded all the same, by a trace that is attached beside it. */
function throwing(hook: HookName) {
  return async (t: TestContext) => {
    const reports: unknown[][] = [];
    const report = (...args: unknown[]) => reports.push(args);
    diag.setLogger(
      { error: report, warn() {}, info() {}, debug() {}, verbose() {} },
      { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
    );
    t.after(() => diag.disable());
    const { get } = await stage(t);
    const boom = new Error('boom');
    const trace: ClientTrace = {
      [hook]: () => {
        throw boom;
      },
    };
    const r1 = await under([trace], get);
    assert.equal(r1.body, 'ok');
    assert.deepEqual(
      reports.map((args) => args.at(-1)),
      [boom],
    );
    assert.match(String(reports[0]?.[0]), new RegExp(hook));
    return [r1];
  };
}

/** A trace that says what it is told, as often as it is. */
function twice() {
  const recorder = new Recorder();
  return { trace: recorder.trace, sequence: () => recorder.sequence() };
}

conformance('hooks', {
  compose_order: async (t) => {
    const { get } = await answering(t, 'HTTP/1.1 103 Early Hints\r\n\r\n');
    const told: string[] = [];
    const says = (text: string) => () => {
      told.push(text);
    };
    const no = new Error('no');
    const older = { getConn: says('GC old'), connectStart: says('CS old'), got1xxResponse: says('I1 old') };
    const newer = {
      getConn: says('GC new'),
      got1xxResponse: () => {
        told.push('I1 new');
        return no;
      },
    };
    const r1 = await under([older, newer], get);
    assert.equal(r1.error, no);
    assert.deepEqual(told, ['GC new', 'GC old', 'CS old', 'I1 new', 'I1 old']);
    return [`${told.map((each) => each.slice(0, 2)).join(' ')} error`];
  },

  compose_reused_struct: async (t) => {
    const { get } = await stage(t);
    const told: string[] = [];
    const says = (name: string): ClientTrace => ({ getConn: () => told.push(`${request}:${name}`) });
    const shared = says('shared');
    let request = 'r1';
    await under([says('outer1'), shared], get);
    request = 'r2';
    await under([says('outer2'), shared], get);
    return [told.join(' ')];
  },

  self_compose_stack_overflow: async (t) => {
    const { get } = await stage(t);
    const { trace, ...recorder } = twice();
    await under([trace, trace], get);
    return [recorder.sequence()];
  },

  panic_in_GetConn: throwing('getConn'),
  panic_in_GotConn: throwing('gotConn'),
  panic_in_ConnectStart: throwing('connectStart'),
  panic_in_WroteHeaders: throwing('wroteHeaders'),
  panic_in_GotFirstResponseByte: throwing('gotFirstResponseByte'),
  panic_in_PutIdleConn: throwing('putIdleConn'),
});

for (const hook of ['wroteRequest', 'got1xxResponse', 'dnsStart', 'roundTripDone'] as const)
  test(`a throwing ${hook} changes nothing for the application`, async (t) => {
    const { server, get } = await answering(
      t,
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    );
    const trace: ClientTrace = {
      [hook]: () => {
        throw new Error('boom');
      },
    };
    const r1 = await under([trace], () => get({ hostname: 'localhost', port: server.port }));
    assert.equal(r1.status, 204);
    assert.match(r1.recorder.story(), /^GC DS DD .*CS CD GO HF WH WR FB I1 response end PI RT$/);
  });
