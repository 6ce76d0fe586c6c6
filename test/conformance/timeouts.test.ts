import assert from 'node:assert/strict';
import type { ClientRequest } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import type { GetOptions } from '../support/client';
import { gate } from '../support/gate';
import { hangingPort } from '../support/ports';
import { answering, rawStage, type Stage, stage } from './stage';

const late = Object.assign(new Error('too late'), { code: 'LATE' });
const end = (req: ClientRequest) => req.end();

const SCENES: Record<string, (t: TestContext, timeout?: number) => Promise<[Stage, GetOptions, string]>> = {
  'a connect': async (t, timeout) => [
    await stage(t, undefined, { agent: agentOf(timeout) }),
    { port: await hangingPort(t) },
    'GC CS CD!LATE',
  ],
  'a handshake': async (t, timeout) => [
    await rawStage(t, () => {}, 'https:', agentOf(timeout)),
    {},
    'GC CS CD TS TD!LATE',
  ],
  'a response': async (t, timeout) => [
    await rawStage(t, () => {}, 'http:', agentOf(timeout)),
    {},
    'GC CS CD GO HF WH WR',
  ],
};

function agentOf(timeout?: number) {
  return timeout === undefined ? {} : { timeout };
}

// Long enough for a busy machine to get there, and all at once.
const SOON = 400;

describe('timeouts', { concurrency: true }, () => {
  for (const [scene, make] of Object.entries(SCENES)) {
    test(`the option timeout gives up ${scene} when the application does`, async (t) => {
      const [{ get }, options, story] = await make(t);
      const r1 = await get({
        ...options,
        timeout: SOON,
        onRequest: (req) => end(req.on('timeout', () => req.destroy(late))),
      });
      assert.equal(r1.recorder.story(), `${story} RT!LATE error!LATE`);
    });

    test(`the agent’s timeout gives up ${scene} when the application does`, async (t) => {
      const [{ get }, options, story] = await make(t, SOON);
      const r1 = await get({
        ...options,
        onRequest: (req) => end(req.on('timeout', () => req.destroy(late))),
      });
      assert.equal(r1.recorder.story(), `${story} RT!LATE error!LATE`);
    });

    test(`AbortSignal.timeout gives up ${scene}`, async (t) => {
      const [{ get }, options, story] = await make(t);
      const r1 = await get({ ...options, signal: AbortSignal.timeout(SOON) });
      assert.equal(r1.recorder.story(), `${story.replace('LATE', 'ABORT_ERR')} RT!ABORT_ERR error!ABORT_ERR`);
    });
  }

  test('setTimeout gives up a response when the application does', async (t) => {
    const [{ get }, options, story] = await (SCENES['a response'] as (typeof SCENES)[string])(t);
    const r1 = await get({
      ...options,
      onRequest: (req) => end(req.setTimeout(SOON, () => req.destroy(late))),
    });
    assert.equal(r1.recorder.story(), `${story} RT!LATE error!LATE`);
  });
});

test('a timeout that the application ignores changes nothing', async (t) => {
  const timedOut = gate();
  const { get } = await stage(t, (_req, res) => {
    timedOut.opened.then(() => res.end());
  });
  const r1 = await get({ timeout: 40, onRequest: (req) => end(req.on('timeout', timedOut.open)) });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('a body that stops is given up with its own timeout', async (t) => {
  const { get } = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot');
  const r1 = await get({
    timeout: 40,
    onResponse: (res) => res.on('timeout', () => res.destroy(late)),
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT!LATE error!LATE bodyerror!LATE');
});

test('a lookup that hangs is not timed by Node, but by a signal', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ hostname: 'slow.test', lookup: () => {}, signal: AbortSignal.timeout(40) });
  assert.equal(r1.recorder.story(), 'GC DS DD!ABORT_ERR RT!ABORT_ERR error!ABORT_ERR');
});

test('a queue that does not move is given up with a signal, and told when Node tells it', async (t) => {
  const finish = gate();
  const { get } = await stage(
    t,
    (_req, res) => {
      finish.opened.then(() => res.end());
    },
    { agent: { maxSockets: 1 } },
  );
  const first = get();
  const signal = AbortSignal.timeout(40);
  const queued = get({ signal });
  signal.addEventListener('abort', () => setImmediate(finish.open));
  assert.equal((await queued).recorder.story(), 'GC RT!ABORT_ERR error!ABORT_ERR');
  assert.equal((await first).recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});
