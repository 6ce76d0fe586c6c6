import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { Recorder } from '../support/recorder';
import { closedPort, type TestServer } from '../support/servers';
import { type Client, type SendOptions, type Traced, type Transport, trace } from '../support/transports';

/** A running scenario. */
export interface Stage {
  readonly transport: Transport;
  readonly server: TestServer;
  /** Has no connection yet. */
  readonly client: Client;
  /** Another one, that goes elsewhere or looks names up differently. */
  other(options: Partial<Parameters<Transport['client']>[0]>): Client;
  get(options?: SendOptions): Promise<Traced>;
}

/**
 * A situation that every transport can be in. The order is written in the recorder's short notation, with two words more: `DIAL` is what makes a connection to a name, `?PI` the return to a
 * pool, which HTTP/2 has not.
 */
export interface Scenario {
  readonly claim: string;
  readonly handler: RequestListener;
  run(stage: Stage): Promise<readonly Traced[]>;
  readonly expected: readonly string[];
  /** Where it cannot be, or looks different: by name of the transport, or of its column; with the reason. */
  readonly but?: Readonly<Record<string, { readonly expected?: readonly string[]; readonly why: string }>>;
}

const NEW = 'GC DIAL GO HF WH WR FB ?PI RT';
const NEXT = 'GC GO HF WH WR FB ?PI RT';
/** The error that the application sees. */
const FAILED = 'RT!';

const ok: RequestListener = (req, res) => void req.resume().on('end', () => res.end('ok'));
const never: RequestListener = (req) => void req.resume();

/** Aborts when the server has the request. */
function whenArrived(): { handler: RequestListener; abort: () => AbortSignal } {
  let current = new AbortController();
  return {
    handler: (req) => {
      req.resume();
      current.abort();
    },
    abort: () => {
      current = new AbortController();
      return current.signal;
    },
  };
}

const arrived = whenArrived();

const EXPECT = { method: 'POST', headers: { expect: '100-continue' }, body: 'hello' };

export const SCENARIOS: readonly Scenario[] = [
  {
    claim: 'a new connection, and the same one again after it was idle',
    handler: ok,
    expected: [NEW, NEXT],
    async run({ get, server, transport }) {
      const r1 = await get();
      // undici is still busy with the connection when it has told of the end.
      await pause(5);
      const r2 = await get();
      assert.deepEqual([r1.answer, r2.answer], Array(2).fill({ status: 200, body: 'ok' }));
      assert.deepEqual(r1.recorder.args('getConn'), [`localhost:${server.port}`]);
      const [first] = r1.recorder.args('gotConn');
      assert.equal(first.socket.remotePort ?? server.port, server.port);
      assert.deepEqual([first.reused, first.wasIdle, first.idleTime], [false, false, 0]);
      const [second] = r2.recorder.args('gotConn');
      assert.deepEqual([second.reused, second.wasIdle], [true, true]);
      assert.ok(second.idleTime > 0);
      assert.equal(first.socket, second.socket);
      if (transport.tls) assert.equal(r1.recorder.args('tlsHandshakeDone')[0]?.authorized, true);
      return [r1, r2];
    },
  },
  {
    claim: 'a body is sent',
    handler: ok,
    expected: [NEW],
    run: async ({ get }) => [await get({ method: 'POST', body: 'hello', headers: { 'x-test': 'yes' } })],
  },
  {
    claim: 'a header field is told as it is sent',
    handler: ok,
    expected: [NEW],
    async run({ get }) {
      const r1 = await get({ headers: { 'x-test': 'yes' } });
      const fields = r1.recorder.calls.filter(({ hook }) => hook === 'wroteHeaderField');
      assert.deepEqual(fields.find(({ args }) => args[0] === 'x-test')?.args, ['x-test', ['yes']]);
      return [r1];
    },
  },
  {
    claim: 'a response without a body',
    handler: (_req, res) => res.writeHead(204).end(),
    expected: [NEW],
    run: async ({ get }) => [await get()],
  },
  {
    claim: 'an early hint is told, and the first byte once',
    handler: (req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      ok(req, res);
    },
    expected: ['GC DIAL GO HF WH WR FB I1 ?PI RT'],
    async run({ get }) {
      const r1 = await get();
      const [status, headers] = r1.recorder.args('got1xxResponse');
      assert.equal(status, 103);
      assert.equal(headers.link, '</style.css>; rel=preload');
      return [r1];
    },
  },
  {
    claim: 'a body that waits for 100 Continue',
    handler: ok,
    expected: ['GC DIAL GO HF WH W1 FB C1 I1 WR ?PI RT'],
    but: {
      '`http2`': { expected: ['GC DIAL GO HF WH W1 FB I1 C1 WR RT'], why: 'In this order, as in Go.' },
      '`fetch`, undici': { why: 'undici refuses requests with Expect.' },
    },
    run: async ({ get }) => [await get(EXPECT)],
  },
  {
    claim: 'a connection that is refused',
    handler: ok,
    expected: [`GC DS DD CS CD! ${FAILED}`],
    async run({ other, transport }) {
      const port = await closedPort();
      const client = other({ origin: `${transport.tls ? 'https' : 'http'}://localhost:${port}` });
      const r1 = await trace(client, '/');
      assert.equal((r1.recorder.args('connectDone')[2] as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      assert.ok(r1.error);
      return [r1];
    },
  },
  {
    claim: 'a name that does not exist',
    handler: ok,
    expected: [`GC DS DD! ${FAILED}`],
    but: { fetch: { why: 'The lookup function of fetch cannot be chosen.' } },
    async run({ other }) {
      const error = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
      const client = other({ lookup: (_host, _options, done) => setImmediate(done, error, '', 0) });
      const r1 = await trace(client, '/');
      assert.equal(r1.recorder.args('dnsDone')[0].err, error);
      return [r1];
    },
  },
  {
    claim: 'a certificate that nobody vouches for',
    handler: ok,
    expected: [`GC DS DD CS CD TS TD! ${FAILED}`],
    but: Object.fromEntries(
      ['http', 'fetch', 'undici', 'http2'].map((name) => [name, { why: 'There is no TLS.' }]),
    ),
    async run({ other }) {
      const r1 = await trace(other({ ca: undefined }), '/');
      const error = r1.recorder.args('tlsHandshakeDone')[1] as NodeJS.ErrnoException;
      assert.equal(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
      return [r1];
    },
  },
  {
    claim: 'a connection that breaks before the response',
    handler: (req) => void socketOf(req).destroy(),
    expected: [`GC DIAL GO HF WH WR ${FAILED}`],
    run: async ({ get }) => [await get()],
  },
  {
    claim: 'a connection that breaks in the middle of the body',
    handler: (req, res) => void res.write('part', () => setTimeout(() => socketOf(req).destroy(), 20)),
    expected: [`GC DIAL GO HF WH WR FB ${FAILED}`],
    run: async ({ get }) => [await get()],
  },
  {
    claim: 'a request aborted while it waits for the response',
    handler: arrived.handler,
    expected: [`GC DIAL GO HF WH WR ${FAILED}`],
    run: async ({ get }) => [await get({ signal: arrived.abort() })],
  },
  {
    claim: 'a request aborted while its response is read',
    handler: (_req, res) => void res.write('part'),
    expected: [`GC DIAL GO HF WH WR FB ${FAILED}`],
    async run({ get }) {
      const abort = new AbortController();
      return [await get({ signal: abort.signal, onResponse: () => abort.abort() })];
    },
  },
  {
    claim: 'a request that is aborted already has no hooks',
    handler: never,
    expected: [],
    but: Object.fromEntries(
      ['undici', 'undici over TLS'].map((name) => [
        name,
        { why: 'undici connects before it looks at the signal.' },
      ]),
    ),
    async run({ client, server }) {
      const recorder = new Recorder();
      await context.with(withClientTrace(context.active(), recorder.trace), () =>
        assert.rejects(client.send('/', { signal: AbortSignal.abort() })),
      );
      assert.equal(recorder.sequence(), '');
      assert.equal(server.remotePorts.size, 0);
      return [];
    },
  },
  {
    claim: 'a body that is given up is no failure',
    handler: (_req, res) => void res.write('part'),
    expected: ['GC DIAL GO HF WH WR FB RT'],
    but: {
      '`fetch`, undici': {
        expected: [`GC DIAL GO HF WH WR FB ${FAILED}`],
        why: 'undici makes an error of it.',
      },
    },
    run: async ({ get }) => [await get({ givesUp: true })],
  },
];

/** Under HTTP/2 the request shows a proxy; a method that returns its emitter gives the socket itself. */
function socketOf(req: Parameters<RequestListener>[0]) {
  return req.socket.off('none', () => {});
}
