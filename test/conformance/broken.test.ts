import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, conformance, rawStage } from './stage';

const SENT = 'GC CS CD GO HF WH WR';

conformance('broken', {
  server_closes_before_headers: async (t) => {
    const { get } = await answering(t, '', true);
    const r1 = await get();
    assert.equal(r1.error?.message, 'socket hang up');
    assert.deepEqual(r1.recorder.args('roundTripDone'), [r1.error]);
    return [r1];
  },

  server_resets_before_headers: async (t) => {
    const { get } = await rawStage(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
    const r1 = await get();
    assert.equal(r1.error?.syscall, 'read');
    assert.deepEqual(r1.recorder.args('roundTripDone'), [r1.error]);
    return [r1];
  },
});

for (const [how, end, broken] of [
  ['closes', 'end', 'RT!ECONNRESET bodyerror!ECONNRESET'],
  ['resets', 'resetAndDestroy', 'RT!ECONNRESET error!ECONNRESET bodyerror!ECONNRESET'],
] as const) {
  test(`a server that ${how} inside the head has sent a first byte`, async (t) => {
    const { get } = await rawStage(t, (socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nX-', () => setTimeout(() => socket[end](), 20)),
      ),
    );
    const r1 = await get();
    assert.equal(r1.recorder.story(), `${SENT} FB RT!ECONNRESET error!ECONNRESET`);
  });

  test(`a server that ${how} inside the body breaks it, and the round trip with it`, async (t) => {
    const { get } = await rawStage(t, (socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot', () =>
          setTimeout(() => socket[end](), 20),
        ),
      ),
    );
    const r1 = await get();
    assert.equal(r1.body, 'not');
    assert.equal(r1.recorder.story(), `${SENT} FB response ${broken}`);
  });
}

test('garbage has a first byte, and fails the request', async (t) => {
  const { get } = await answering(t, 'this is not HTTP\r\n\r\n');
  const r1 = await get();
  assert.equal(r1.recorder.story(), `${SENT} FB RT!HPE_INVALID_CONSTANT error!HPE_INVALID_CONSTANT`);
  assert.deepEqual(r1.recorder.args('roundTripDone'), [r1.error]);
});

test('garbage inside a chunked body breaks it', async (t) => {
  const { get } = await answering(
    t,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n',
  );
  const r1 = await get();
  assert.equal(
    r1.recorder.story(),
    `${SENT} FB response RT!HPE_INVALID_CHUNK_SIZE error!HPE_INVALID_CHUNK_SIZE bodyerror!ECONNRESET`,
  );
});

test('a head that is too large fails the request', async (t) => {
  const { get } = await answering(t, `HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(1 << 15)}\r\n\r\n`);
  const r1 = await get();
  assert.equal(r1.recorder.story(), `${SENT} FB RT!HPE_HEADER_OVERFLOW error!HPE_HEADER_OVERFLOW`);
});

test('a second response to one request costs the connection, and is not told', async (t) => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const { server, get } = await answering(t, ok + ok);
  const r1 = await get();
  assert.equal(r1.recorder.story(), `${SENT} FB response end RT`);
  assert.equal(server.connections, 1);
});
