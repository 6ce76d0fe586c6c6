import assert from 'node:assert/strict';
import http from 'node:http';
import { type TestContext, test } from 'node:test';
import { request } from '../support/client';
import { listenAtPath } from '../support/unixsocket';
import { watchAgents } from './suite';

watchAgents();

const serveAt = (t: TestContext) =>
  listenAtPath(
    t,
    http.createServer((_req, res) => res.end('hello')),
  );
const target = { port: 80, origin: 'http://target.test' };

test('socketPath: no lookup, one attempt at the path, then reuse', async (t) => {
  const socketPath = await serveAt(t);
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const r1 = await request(target, '/', { agent, socketPath });
  const r2 = await request(target, '/', { agent, socketPath });
  assert.equal(r1.recorder.sequence(), 'GC CS CD GO HF WH WR FB PI RT');
  assert.deepEqual(r1.recorder.args('getConn'), ['target.test:80']);
  assert.deepEqual(r1.recorder.args('connectStart'), ['unix', socketPath]);
  assert.equal(r2.recorder.sequence(), 'GC GO HF WH WR FB PI RT');
  assert.equal(r2.recorder.args('gotConn')[0].reused, true);
});

test('socketPath with agent: false', async (t) => {
  const socketPath = await serveAt(t);
  const { recorder } = await request(target, '/', { agent: false, socketPath });
  assert.equal(recorder.sequence(), 'GC CS CD GO HF WH WR FB RT');
});

test('socketPath: nobody listens', async (t) => {
  const socketPath = `${await serveAt(t)}-not`;
  const { recorder, error } = await request(target, '/', { agent: false, socketPath });
  assert.equal(error?.code, 'ENOENT');
  assert.equal(recorder.sequence(), 'GC CS CD!ENOENT RT!ENOENT');
});
