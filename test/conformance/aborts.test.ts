import assert from 'node:assert/strict';
import type { ClientRequest } from 'node:http';
import { type TestContext, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { type GetOptions, type Outcome, send } from '../support/client';
import { hangingPort } from '../support/hanging';
import { Recorder } from '../support/recorder';
import { answering, conformance, rawStage, type Stage, stage } from './stage';

const coded = (code: string) => Object.assign(new Error(code), { code });
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot';

/** A request that has come as far as the name says, and stays there until it is given up. */
interface Scene {
  readonly set: Stage;
  readonly options: GetOptions;
  /** Calls back when the request is there. */
  there(req: ClientRequest, arrived: () => void): void;
}

const SCENES: Record<string, { before: string; ended: string; make(t: TestContext): Promise<Scene> }> = {
  'in its lookup': {
    before: 'GC DS',
    ended: 'DD',
    make: async (t) => ({
      set: await stage(t),
      options: { hostname: 'slow.test', lookup: () => {} },
      there: (_req, arrived) => setTimeout(arrived, 20),
    }),
  },
  'while it connects': {
    before: 'GC CS',
    ended: 'CD',
    make: async (t) => ({
      set: await stage(t),
      options: { port: await hangingPort(t) },
      there: (_req, arrived) => setTimeout(arrived, 20),
    }),
  },
  'in its handshake': {
    before: 'GC CS CD TS',
    ended: 'TD',
    make: async (t) => {
      let hello = () => {};
      const set = await rawStage(t, (socket) => socket.once('data', () => hello()), 'https:');
      return {
        set,
        options: {},
        there: (_req, arrived) => {
          hello = arrived;
        },
      };
    },
  },
  'while it is uploading': {
    before: 'GC CS CD GO HF WH',
    ended: 'WR',
    make: async (t) => {
      let came = () => {};
      const set = await rawStage(t, (socket) => socket.once('data', () => came()));
      return {
        set,
        options: { method: 'POST', body: 'first' },
        there: (_req, arrived) => {
          came = arrived;
        },
      };
    },
  },
  'while it waits for the response': {
    before: 'GC CS CD GO HF WH WR',
    ended: '',
    make: async (t) => {
      let came = () => {};
      const set = await rawStage(t, (socket) => socket.once('data', () => came()));
      return {
        set,
        options: {},
        there: (_req, arrived) => {
          came = arrived;
        },
      };
    },
  },
};

const WAYS: Record<string, { code: string; giveUp(req: ClientRequest, abort: AbortController): void }> = {
  'destroy()': { code: 'ECONNRESET', giveUp: (req) => req.destroy() },
  'destroy(err)': { code: 'ENOUGH', giveUp: (req) => req.destroy(coded('ENOUGH')) },
  'an AbortSignal': { code: 'ABORT_ERR', giveUp: (_req, abort) => abort.abort() },
};

async function giveUp(t: TestContext, scene: string, way: string): Promise<Outcome> {
  const { set, options, there } = await (SCENES[scene] as (typeof SCENES)[string]).make(t);
  const abort = new AbortController();
  const { body, ...rest } = options;
  return set.get({
    ...rest,
    signal: abort.signal,
    onRequest: (req) => {
      there(req, () => WAYS[way]?.giveUp(req, abort));
      if (body === undefined) req.end();
      else req.write(body);
    },
  });
}

for (const [scene, { before, ended }] of Object.entries(SCENES))
  for (const [way, { code }] of Object.entries(WAYS))
    test(`a request given up ${scene} by ${way} ends what is open, at once`, async (t) => {
      const r1 = await giveUp(t, scene, way);
      const open = ended && ` ${ended}!${code}`;
      assert.equal(r1.recorder.story(), `${before}${open} RT!${code} error!${code}`);
      assert.deepEqual(r1.recorder.args('roundTripDone'), [r1.error]);
    });

test('abort() before there is a connection ends the round trip, though to Node it is no error', async (t) => {
  const { get } = await stage(t, undefined, { agent: { maxSockets: 1 } });
  const abort = (req: ClientRequest) => void req.end().abort();
  const [r1, r2, r3] = await Promise.all([get(), get({ onRequest: abort }), get()]);
  assert.equal(r2.recorder.story(), 'GC RT!ECONNRESET');
  for (const { recorder } of [r1, r3]) assert.match(recorder.story(), / response end PI RT$/);
});

/** A request that never begins: what its trace has seen, and what the application has. */
async function unmade(t: TestContext, options: GetOptions): Promise<string> {
  const { server, agent } = await stage(t);
  const recorder = new Recorder();
  const mark = recorder.mark.bind(recorder);
  try {
    await context.with(withClientTrace(context.active(), recorder.trace), () =>
      send(new URL(`http://${server.address}`), { agent, ...options }, mark),
    );
  } catch (error) {
    mark('error', error as Error);
  }
  return recorder.story();
}

conformance('aborts', {
  ctx_already_cancelled: async (t) => [await unmade(t, { signal: AbortSignal.abort() })],
  invalid_header_value: async (t) => [await unmade(t, { headers: { X: 'a\nb' } })],
  cancel_in_dns: async (t) => [await giveUp(t, 'in its lookup', 'an AbortSignal')],
  cancel_in_connect: async (t) => [await giveUp(t, 'while it connects', 'an AbortSignal')],
  cancel_waiting_for_response: async (t) => [
    await giveUp(t, 'while it waits for the response', 'an AbortSignal'),
  ],

  cancel_while_reading_body: async (t) => {
    const { get } = await answering(t, HEAD);
    const abort = new AbortController();
    const r1 = await get({
      signal: abort.signal,
      onResponse: (res) => res.once('data', () => abort.abort()),
    });
    assert.equal((r1.recorder.args('roundTripDone')[0] as NodeJS.ErrnoException).code, 'ABORT_ERR');
    return [r1];
  },

  response_header_timeout: async (t) => {
    const { get } = await rawStage(t, () => {});
    const late = coded('TIMEOUT');
    const r1 = await get({
      timeout: 400,
      onRequest: (req) => req.on('timeout', () => req.destroy(late)).end(),
    });
    assert.deepEqual(r1.recorder.args('roundTripDone'), [late]);
    return [r1];
  },
});

for (const [way, giveUp, end] of [
  ['destroy() of the request', (_res, req) => req.destroy(), 'RT!ECONNRESET bodyerror!ECONNRESET'],
  [
    'destroy(err) of the request',
    (_res, req) => req.destroy(coded('ENOUGH')),
    'RT!ENOUGH error!ENOUGH bodyerror!ECONNRESET',
  ],
  ['destroy() of the response', (res) => res.destroy(), 'RT'],
  [
    'destroy(err) of the response',
    (res) => res.destroy(coded('ENOUGH')),
    'RT!ENOUGH error!ENOUGH bodyerror!ENOUGH',
  ],
] as const satisfies [string, NonNullable<GetOptions['onResponse']>, string][])
  test(`a body given up by ${way} ends the round trip and costs the connection`, async (t) => {
    const { server, get } = await answering(t, HEAD);
    const abandon: GetOptions = { onResponse: (res, req) => res.once('data', () => giveUp(res, req)) };
    const r1 = await get(abandon);
    assert.equal(r1.recorder.story(), `GC CS CD GO HF WH WR FB response ${end}`);
    const r2 = await get(abandon);
    assert.equal(r2.recorder.args('gotConn')[0].reused, false);
    assert.equal(server.connections, 2);
  });
