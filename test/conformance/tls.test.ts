import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../support/client';
import { lookupOf } from '../support/dns';
import { certificateFor, conformance, stage } from './stage';

const DIALLED = 'GC CS CD TS TD GO HF WH WR FB response end PI RT';
const state = ({ recorder }: Outcome) => recorder.args('tlsHandshakeDone')[0];
const toIp = async () => ({ tls: await certificateFor('127.0.0.1') });
const LOOKUP = lookupOf('127.0.0.1');

const TLS13 = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  alpnProtocol: '',
  resumed: false,
  servername: '',
  authorized: true,
};

conformance('tls', {
  https_new: async (t) => {
    const { server, get } = await stage(t, undefined, await toIp());
    const r1 = await get();
    assert.deepEqual(r1.recorder.args('getConn'), [server.address]);
    assert.deepEqual(r1.recorder.args('connectStart'), ['tcp', server.address]);
    assert.deepEqual(r1.recorder.args('tlsHandshakeDone'), [TLS13, undefined]);
    const { socket, ...how } = r1.recorder.args('gotConn')[0];
    assert.deepEqual(how, { reused: false, wasIdle: false, idleTime: 0 });
    assert.equal((socket as { encrypted?: boolean }).encrypted, true);
    return [r1];
  },

  https_reused: async (t) => {
    const { server, get } = await stage(t, undefined, await toIp());
    const r1 = await get();
    const r2 = await get();
    const { reused, wasIdle, idleTime } = r2.recorder.args('gotConn')[0];
    assert.deepEqual([reused, wasIdle, server.connections], [true, true, 1]);
    assert.ok(idleTime > 0);
    return [r1, r2];
  },

  h2_offered_h1_chosen: async (t) => {
    const { get } = await stage(t, undefined, await toIp());
    const r1 = await get({ ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(state(r1)?.alpnProtocol, 'http/1.1');
    return [r1];
  },
});

test('the name sent by SNI is told; a server named by its IP address is sent none', async (t) => {
  const { server, get } = await stage(t, undefined, { tls: await certificateFor('localhost') });
  const named = await get({ hostname: 'localhost', port: server.port, lookup: LOOKUP });
  assert.equal(state(named)?.servername, 'localhost');
  const { get: getIp } = await stage(t, undefined, await toIp());
  assert.equal(state(await getIp())?.servername, '');
});

test('a second connection resumes the session of the first', async (t) => {
  const { server, get } = await stage(t, undefined, await toIp());
  const close = { headers: { Connection: 'close' } };
  const r1 = await get(close);
  const r2 = await get(close);
  assert.deepEqual([state(r1)?.resumed, state(r2)?.resumed, server.connections], [false, true, 2]);
  assert.equal(r2.recorder.story(), 'GC CS CD TS TD GO HF WH WR FB response RT end');
});

test('the protocol and the cipher are those agreed on', async (t) => {
  const { get } = await stage(t, undefined, await toIp());
  const r1 = await get({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' });
  assert.deepEqual(
    [state(r1)?.protocol, state(r1)?.cipher],
    ['TLSv1.2', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  );
});

test('a certificate that is not verified is told as not authorized, and serves', async (t) => {
  const { get } = await stage(t, undefined, await toIp());
  const r1 = await get({ ca: '', rejectUnauthorized: false });
  assert.equal(state(r1)?.authorized, false);
  assert.equal(r1.recorder.story(), DIALLED);
});

test('https without keep-alive puts nothing into a pool', async (t) => {
  const { get } = await stage(t, undefined, await toIp());
  assert.equal(
    (await get({ agent: false })).recorder.story(),
    'GC CS CD TS TD GO HF WH WR FB response RT end',
  );
});

test('a queued https request is handed the connection without a handshake', async (t) => {
  const { get } = await stage(t, undefined, { ...(await toIp()), agent: { maxSockets: 1 } });
  const [r1, r2] = await Promise.all([get(), get()]);
  assert.equal(r1.recorder.story(), DIALLED);
  assert.equal(r2.recorder.story(), 'GC GO HF WH WR FB response end PI RT');
  assert.equal(r2.recorder.args('gotConn')[0].wasIdle, false);
});

test('https by name shows lookup, attempts and handshake in this order', async (t) => {
  const { server, get } = await stage(t, undefined, { tls: await certificateFor('localhost') });
  const r1 = await get({
    hostname: 'localhost',
    port: server.port,
    lookup: lookupOf('127.0.0.2', '127.0.0.1'),
  });
  assert.equal(
    r1.recorder.story(),
    'GC DS DD CS CD!ECONNREFUSED CS CD TS TD GO HF WH WR FB response end PI RT',
  );
});

test('a body of several records is freed at its end', async (t) => {
  const { get } = await stage(t, (_req, res) => res.end('x'.repeat(100_000)), await toIp());
  const r1 = await get({ method: 'POST', body: 'y'.repeat(100_000) });
  assert.equal(r1.body?.length, 100_000);
  assert.match(
    r1.recorder.story(),
    /^GC CS CD TS TD GO HF WH (WR FB response|FB WR response|FB response WR) end PI RT$/,
  );
});
