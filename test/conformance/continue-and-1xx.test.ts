import assert from 'node:assert/strict';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { type ClientTrace, withClientTrace } from '../../src';
import type { GetOptions, Outcome } from '../support/client';
import { answering, conformance, rawStage, stage } from './stage';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const hint = (name: string) => `HTTP/1.1 103 Early Hints\r\nLink: </${name}.css>; rel=preload\r\n\r\n`;

/** A server that answers the head, and then the body `hello`. */
function twoSteps(
  t: TestContext,
  onHead: (socket: Socket) => void,
  onBody: (socket: Socket) => void = () => {},
) {
  return rawStage(t, (socket) => {
    let seen = '';
    socket.setEncoding('latin1').on('data', (bytes) => {
      const before = seen;
      seen += bytes;
      if (!before.includes('\r\n\r\n') && seen.includes('\r\n\r\n')) onHead(socket);
      if (seen.endsWith('hello')) onBody(socket);
    });
  });
}

const answer = (text: string) => (socket: Socket) => {
  socket.write(text);
};

/** Sends the head, and the body when `when` says so. */
function expecting(when: (req: ClientRequest, send: () => void) => void): GetOptions {
  return {
    method: 'POST',
    headers: { Expect: '100-continue', 'Content-Length': 5 },
    onRequest: (req) => {
      req.flushHeaders();
      when(req, () => req.end('hello'));
    },
  };
}

const onContinue = expecting((req, send) => req.on('continue', send));
const informational = ({ recorder }: Outcome) =>
  recorder.calls.filter(({ hook }) => hook === 'got1xxResponse').map(({ args }) => args);

conformance('continue-and-1xx', {
  expect_continue_accepted: async (t) => {
    const { get } = await twoSteps(
      t,
      (socket) => setTimeout(() => socket.write(CONTINUE), 20),
      (socket) => setTimeout(() => socket.write(OK), 20),
    );
    const r1 = await get(onContinue);
    assert.deepEqual(informational(r1), [[100, {}]]);
    return [r1];
  },

  expect_continue_accepted_nodelay: async (t) => {
    const { get } = await twoSteps(t, answer(CONTINUE), answer(OK));
    const r1 = await get(onContinue);
    assert.deepEqual(informational(r1), [[100, {}]]);
    return [r1];
  },

  expect_continue_timeout_zero: async (t) => {
    const { get } = await twoSteps(t, () => {}, answer(OK));
    return [await get(expecting((_req, send) => send()))];
  },

  expect_continue_timeout: async (t) => {
    const { get } = await twoSteps(t, () => {}, answer(OK));
    return [await get(expecting((_req, send) => setTimeout(send, 30)))];
  },

  expect_continue_417_close: async (t) => {
    const { get } = await answering(
      t,
      'HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      true,
    );
    const r1 = await get(onContinue);
    assert.equal(r1.status, 417);
    return [r1];
  },

  unsolicited_100: async (t) => {
    const { get } = await answering(t, CONTINUE + OK);
    const r1 = await get();
    assert.deepEqual(informational(r1), [[100, {}]]);
    return [r1];
  },

  early_hints_103: async (t) => {
    const { get } = await answering(t, hint('a') + hint('b') + OK);
    const r1 = await get();
    assert.deepEqual(informational(r1), [
      [103, { link: '</a.css>; rel=preload' }],
      [103, { link: '</b.css>; rel=preload' }],
    ]);
    return [r1];
  },

  got1xx_returns_error: async (t) => {
    const { get } = await answering(t, hint('a'));
    const no = Object.assign(new Error('no'), { code: 'HOOK_SAYS_NO' });
    const r1 = await under({ got1xxResponse: () => no }, get);
    assert.equal(r1.error, no);
    assert.deepEqual(r1.recorder.args('roundTripDone'), [no]);
    return [r1];
  },
});

function under(trace: ClientTrace, get: () => Promise<Outcome>): Promise<Outcome> {
  return context.with(withClientTrace(context.active(), trace), get);
}

test('an error returned for an informational response does not keep Node from the rest of the same packet', async (t) => {
  const { get } = await answering(t, hint('a') + OK);
  const no = Object.assign(new Error('no'), { code: 'HOOK_SAYS_NO' });
  const r1 = await under({ got1xxResponse: () => no }, get);
  assert.equal(
    r1.recorder.story(),
    'GC CS CD GO HF WH WR FB I1 response RT!HOOK_SAYS_NO error!HOOK_SAYS_NO end',
  );
});

test('an error returned for a 100 aborts the request before its body is sent', async (t) => {
  const { get } = await twoSteps(t, answer(CONTINUE), answer(OK));
  const no = Object.assign(new Error('no'), { code: 'HOOK_SAYS_NO' });
  const r1 = await under({ got1xxResponse: () => no }, () =>
    get(expecting((req, send) => req.on('continue', () => setImmediate(() => req.destroyed || send())))),
  );
  assert.equal(
    r1.recorder.story(),
    'GC CS CD GO HF WH W1 FB C1 I1 WR!HOOK_SAYS_NO RT!HOOK_SAYS_NO error!HOOK_SAYS_NO',
  );
});

test('an expectation refused on a connection that stays: the application sends its body all the same, and the connection is freed', async (t) => {
  const { get } = await answering(t, 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
  const r1 = await get({
    ...expecting(() => {}),
    onResponse: (res, req) => res.on('end', () => setImmediate(() => req.end('hello'))),
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH W1 FB response end WR PI RT');
});

test('an expectation refused and given up: the body is not sent, and the write has failed', async (t) => {
  const { get } = await answering(t, 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
  const r1 = await get({
    ...expecting(() => {}),
    onResponse: (res, req) => res.on('end', () => setImmediate(() => req.destroy())),
  });
  assert.equal(
    r1.recorder.story(),
    'GC CS CD GO HF WH W1 FB response end WR!the request was over before it was written RT',
  );
});

test('another expectation waits for nothing', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ method: 'POST', body: 'hello', headers: { Expect: '200-ok' } });
  assert.equal(r1.recorder.count('wait100Continue'), 0);
});

test('an expectation without a body waits for nothing', async (t) => {
  const { get } = await answering(t, CONTINUE + OK);
  const r1 = await get({ headers: { Expect: '100-continue' } });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB I1 response end PI RT');
});

test('a body of unknown length waits like any other', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({
    ...onContinue,
    headers: { Expect: '100-continue', 'Transfer-Encoding': 'chunked' },
  });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH W1 FB C1 I1 WR response end PI RT');
});

test('a second 100 is told, but not as the awaited one', async (t) => {
  const { get } = await twoSteps(t, answer(CONTINUE + CONTINUE), answer(OK));
  const r1 = await get(expecting((req, send) => req.once('continue', send)));
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH W1 FB C1 I1 I1 WR response end PI RT');
});

test('a server of Node’s accepts an expectation by itself', async (t) => {
  const { get } = await stage(t);
  const r1 = await get(onContinue);
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH W1 FB C1 I1 WR response end PI RT');
});
