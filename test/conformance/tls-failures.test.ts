import assert from 'node:assert/strict';
import { test } from 'node:test';
import tls from 'node:tls';
import type { Outcome } from '../support/client';
import { lookupOf } from '../support/dns';
import { certificateFor, conformance, rawStage, stage } from './stage';

const toIp = async () => ({ tls: await certificateFor('127.0.0.1') });
const timeout = Object.assign(new Error('too late'), { code: 'TIMEOUT' });

/** The handshake failed with the error that the application got. */
function assertFailed({ recorder, error }: Outcome): void {
  assert.ok(error);
  assert.deepEqual(recorder.args('tlsHandshakeDone'), [undefined, error]);
  assert.deepEqual(recorder.args('roundTripDone'), [error]);
}

conformance('tls-failures', {
  tls_untrusted_cert: async (t) => {
    const { get } = await stage(t, undefined, await toIp());
    const r1 = await get({ ca: '' });
    assertFailed(r1);
    return [r1];
  },

  tls_wrong_hostname: async (t) => {
    const { server, get } = await stage(t, undefined, await toIp());
    const r1 = await get({ hostname: 'wrong.test', port: server.port, lookup: lookupOf('127.0.0.1') });
    assertFailed(r1);
    assert.deepEqual(r1.recorder.args('getConn'), [`wrong.test:${server.port}`]);
    assert.deepEqual(r1.recorder.args('dnsDone'), [
      { addrs: [{ address: '127.0.0.1', family: 4 }], coalesced: false },
    ]);
    return [r1];
  },

  tls_handshake_timeout: async (t) => {
    const { get } = await rawStage(t, () => {}, 'https:');
    const r1 = await get({
      timeout: 400,
      onRequest: (req) => req.on('timeout', () => req.destroy(timeout)).end(),
    });
    assertFailed(r1);
    return [r1];
  },
});

for (const [how, answer] of [
  ['answers the hello in plain text', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['answers the hello with garbage', '\0\0\0\0\0'],
] as const)
  test(`a server that ${how} fails the handshake`, async (t) => {
    const { get } = await rawStage(t, (socket) => socket.once('data', () => socket.end(answer)), 'https:');
    const r1 = await get();
    assertFailed(r1);
    assert.match(r1.recorder.story(), /^GC CS CD TS TD!(\w+) RT!\1 error!\1$/);
  });

for (const end of ['destroy', 'resetAndDestroy'] as const)
  test(`a server that hangs up in the handshake (${end}) fails it`, async (t) => {
    const { get } = await rawStage(t, (socket) => socket.once('data', () => socket[end]()), 'https:');
    const r1 = await get();
    assertFailed(r1);
    assert.equal(r1.recorder.story(), 'GC CS CD TS TD!ECONNRESET RT!ECONNRESET error!ECONNRESET');
  });

test('a server that speaks another version of TLS fails the handshake', async (t) => {
  const { get } = await stage(t, undefined, {
    tls: { ...(await certificateFor('127.0.0.1')), maxVersion: 'TLSv1.2' },
  });
  const r1 = await get({ minVersion: 'TLSv1.3' });
  assertFailed(r1);
  assert.match(r1.recorder.story(), /^GC CS CD TS TD!(\w+) RT!\1 error!\1$/);
});

test('a name check of the application’s that fails is a failed handshake', async (t) => {
  const { get } = await stage(t, undefined, await toIp());
  const no = Object.assign(new Error('no'), { code: 'NO' });
  const r1 = await get({ checkServerIdentity: () => no });
  assertFailed(r1);
  assert.equal(r1.recorder.story(), 'GC CS CD TS TD!NO RT!NO error!NO');
});

test('a refused connection begins no handshake', async (t) => {
  const { server, get } = await rawStage(t, () => {}, 'https:');
  await server.close();
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED');
});

test('a request over a TLS socket that the application made shows no handshake', async (t) => {
  const { server, get } = await stage(t, undefined, await toIp());
  const socket = tls.connect({ port: server.port, host: '127.0.0.1', ca: server.ca });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const r1 = await get({ agent: undefined, createConnection: () => socket });
  assert.equal(r1.recorder.story(), 'GC GO HF WH WR FB response RT end');
});
