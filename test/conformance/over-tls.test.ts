import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { GetOptions } from '../support/client';
import { gate } from '../support/gate';
import { certificateFor, rawTlsStage, stage } from './stage';

const DIALLED = 'GC CS CD TS TD GO HF WH';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const SHORT = OK.replace('Length: 2', 'Length: 9');
const late = Object.assign(new Error('too late'), { code: 'LATE' });
const secure = async () => ({ tls: await certificateFor('127.0.0.1') });

/** What the server answers, and then does; what the application does; and what the hooks tell after the head was written. */
const CASES: [claim: string, answer: string, close: boolean, options: GetOptions, story: string][] = [
  ['hangs up instead of answering', '', true, {}, 'WR RT!ECONNRESET error!ECONNRESET'],
  ['hangs up inside the head', 'HTTP/1.1 200 OK\r\nX-', true, {}, 'WR FB RT!ECONNRESET error!ECONNRESET'],
  ['hangs up inside the body', SHORT, true, {}, 'WR FB response RT!ECONNRESET bodyerror!ECONNRESET'],
  ['answers garbage', 'garbage', false, {}, 'WR FB RT!HPE_INVALID_CONSTANT error!HPE_INVALID_CONSTANT'],
  ['ends the body with the connection', 'HTTP/1.0 200 OK\r\n\r\nok', true, {}, 'WR FB response RT end'],
  ['says close', OK.replace('\r\n', '\r\nConnection: close\r\n'), false, {}, 'WR FB response RT end'],
  ['hints early', `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`, false, {}, 'WR FB I1 response end PI RT'],
  ['is asked by HEAD', OK.slice(0, -2), false, { method: 'HEAD' }, 'WR FB response end PI RT'],
  ['has its body given up', SHORT, false, { onResponse: (res) => res.destroy() }, 'WR FB response RT'],
  [
    'is given up in the middle of the body',
    SHORT,
    false,
    { onResponse: (_res, req) => req.destroy(late) },
    'WR FB response RT!LATE error!LATE bodyerror!ECONNRESET',
  ],
  [
    'does not answer in time',
    '',
    false,
    { timeout: 400, onRequest: (req) => req.on('timeout', () => req.destroy(late)).end() },
    'WR RT!LATE error!LATE',
  ],
];

for (const [claim, answer, close, options, story] of CASES)
  test(`an https server that ${claim}`, async (t) => {
    const { get } = await rawTlsStage(t, (socket) =>
      socket.once('data', () => (close ? socket.end(answer) : socket.write(answer))),
    );
    const r1 = await get(options);
    assert.equal(r1.recorder.story(), `${DIALLED} ${story}`);
  });

function stale(t: TestContext) {
  return rawTlsStage(t, (socket) =>
    socket.once('data', () => {
      socket.write(OK);
      socket.once('data', () => socket.destroy());
    }),
  );
}

test('a stale https connection fails its request, and says that it was reused', async (t) => {
  const { get } = await stale(t);
  await get();
  const r2 = await get();
  assert.equal(r2.recorder.story(), 'GC GO HF WH WR RT!ECONNRESET error!ECONNRESET');
  const { reused, wasIdle, idleTime } = r2.recorder.args('gotConn')[0];
  assert.deepEqual([reused, wasIdle, idleTime > 0], [true, true, true]);
});

test('an https response before the end of the upload: the connection is freed when both are over', async (t) => {
  const { get } = await stage(
    t,
    (req, res) => {
      res.end('early');
      req.resume();
    },
    await secure(),
  );
  const ended = gate();
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.write('first');
      ended.opened.then(() => req.end('last'));
    },
    onResponse: (res) => res.on('end', ended.open),
  });
  assert.equal(r1.recorder.story(), `${DIALLED} FB response end WR PI RT`);
});

test('an https upload that is given up was not written', async (t) => {
  const { get } = await stage(t, () => {}, await secure());
  const r1 = await get({
    method: 'POST',
    onRequest: (req) => {
      req.end(Buffer.alloc(1 << 25));
      req.once('socket', (socket) =>
        socket.once('secureConnect', () => setTimeout(() => req.destroy(late), 30)),
      );
    },
  });
  assert.equal(r1.recorder.story(), `${DIALLED} WR!LATE RT!LATE error!LATE`);
});

test('an https expectation that is met', async (t) => {
  const { get } = await stage(t, undefined, await secure());
  const r1 = await get({
    method: 'POST',
    headers: { Expect: '100-continue', 'Content-Length': 5 },
    onRequest: (req) => {
      req.flushHeaders();
      req.on('continue', () => req.end('hello'));
    },
  });
  assert.equal(r1.recorder.story(), `${DIALLED} W1 FB C1 I1 WR response end PI RT`);
});

test('an https connection that its pool refuses', async (t) => {
  const { get } = await stage(t, undefined, { ...(await secure()), agent: { maxFreeSockets: -1 } });
  const r1 = await get();
  assert.equal(r1.recorder.story(), `${DIALLED} WR FB response end PI!too many idle connections for host RT`);
});
