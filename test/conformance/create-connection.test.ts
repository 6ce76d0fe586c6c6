import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { lookupOf } from '../support/dns';
import { Recorder } from '../support/recorder';
import { closedPort } from '../support/servers';
import { certificateFor, stage } from './stage';

const NO_AGENT = { agent: undefined };

test('createConnection without an agent: its dial is the request’s, and no pool takes the connection', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({ ...NO_AGENT, createConnection: () => net.connect(server.port, '127.0.0.1') });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response RT end');
  assert.deepEqual(r1.recorder.args('getConn'), [server.address]);
  assert.deepEqual(r1.recorder.args('connectStart'), ['tcp', server.address]);
});

test('createConnection without an agent may look names up', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({
    ...NO_AGENT,
    hostname: 'one.test',
    port: server.port,
    createConnection: () =>
      net.connect({ host: 'other.test', port: server.port, lookup: lookupOf('127.0.0.2', '127.0.0.1') }),
  });
  assert.equal(r1.recorder.story(), 'GC DS DD CS CD!ECONNREFUSED CS CD GO HF WH WR FB response RT end');
  assert.deepEqual(r1.recorder.args('getConn'), [`one.test:${server.port}`]);
  assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'other.test' }]);
});

test('createConnection without an agent may speak TLS', async (t) => {
  const { server, get } = await stage(t, undefined, { tls: await certificateFor('127.0.0.1') });
  const order: string[] = [];
  const older = { gotConn: () => void order.push('gotConn') };
  const options = { port: server.port, host: '127.0.0.1', ca: server.ca };
  const r1 = await context.with(withClientTrace(context.active(), older), () =>
    get({ ...NO_AGENT, createConnection: () => tls.connect(options, () => void order.push('secure')) }),
  );
  assert.equal(r1.recorder.story(), 'GC CS CD TS TD GO HF WH WR FB response RT end');
  assert.deepEqual(order, ['gotConn', 'secure']);
});

test('createConnection without an agent may open a Unix socket', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ ...NO_AGENT, createConnection: () => net.connect('/no/such.sock') });
  assert.equal(r1.recorder.story(), 'GC CS CD!ENOENT RT!ENOENT error!ENOENT');
});

test('createConnection without an agent may answer later', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({
    ...NO_AGENT,
    createConnection: (_options, callback) => {
      const socket = net.connect(server.port, '127.0.0.1');
      socket.once('connect', () => callback(null, socket));
      return undefined;
    },
  });
  assert.match(r1.recorder.story(), /^GC (CS CD )?GO HF WH WR FB response RT end$/);
});

test('createConnection without an agent may answer from anywhere: the request is traced by whoever made it', async (t) => {
  const { server, get } = await stage(t);
  const warm = net.connect(server.port, '127.0.0.1');
  const r1 = await get({
    ...NO_AGENT,
    createConnection: (_options, callback) => {
      context.with(ROOT_CONTEXT, () => warm.once('connect', () => callback(null, warm)));
      return undefined;
    },
  });
  assert.equal(r1.recorder.story(), 'GC GO HF WH WR FB response RT end');
});

test('createConnection of an agent may answer later: its dial is the request’s', async (t) => {
  const { server, agent, get } = await stage(t);
  agent.createConnection = (_options, callback) => {
    const socket = net.connect(server.port, '127.0.0.1');
    socket.once('connect', () => setTimeout(() => callback?.(null, socket), 10));
    return undefined;
  };
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
  assert.equal((await get()).recorder.args('gotConn')[0].reused, true);
});

test('createConnection of an agent may fail: the request has no connection', async (t) => {
  const { agent, get } = await stage(t);
  const no = Object.assign(new Error('no'), { code: 'NO' });
  agent.createConnection = (_options, callback) => {
    setImmediate(() => callback?.(no, undefined as never));
    return undefined;
  };
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC RT!NO error!NO');
  assert.deepEqual(r1.recorder.args('roundTripDone'), [no]);
});

test('createConnection of an agent may throw: the caller is told, and the round trip is over', async (t) => {
  const { server, agent } = await stage(t);
  const recorder = new Recorder();
  const no = Object.assign(new Error('no'), { code: 'NO' });
  agent.createConnection = () => {
    throw no;
  };
  const ask = () => http.request(`http://${server.address}`, { agent });
  context.with(withClientTrace(context.active(), recorder.trace), () => assert.throws(ask, no));
  assert.equal(recorder.sequence(), 'GC RT!NO');
  assert.deepEqual(recorder.args('roundTripDone'), [no]);
  recorder.assertInvariants();
});

test('an agent has the last word over the option createConnection', async (t) => {
  const { get } = await stage(t);
  const r1 = await get({ createConnection: () => assert.fail('not called') });
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('createConnection may try several sockets: each attempt is told, and the loser’s end', async (t) => {
  const { server, agent, get } = await stage(t);
  const port = await closedPort();
  agent.createConnection = (_options, callback) => {
    net.connect(port, '127.0.0.1').once('error', () => {
      const socket = net.connect(server.port, '127.0.0.1');
      socket.once('connect', () => callback?.(null, socket));
    });
    return undefined;
  };
  const r1 = await get();
  assert.equal(r1.recorder.story(), 'GC CS CD!ECONNREFUSED CS CD GO HF WH WR FB response end PI RT');
});

test('createConnection may hand over a dead socket: that is no connection that can be used', async (t) => {
  const { server } = await stage(t);
  const dead = net.connect(server.port, '127.0.0.1').destroy();
  await once(dead, 'close');
  const recorder = new Recorder();
  const req = context.with(withClientTrace(context.active(), recorder.trace), () =>
    http.get({ host: '127.0.0.1', port: server.port, createConnection: () => dead }),
  );
  await once(req, 'socket');
  assert.equal(recorder.sequence(), 'GC');
});

test('a socket whose listeners the application removes ends what it has begun all the same', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({
    hostname: 'one.test',
    port: server.port,
    lookup: lookupOf('127.0.0.1'),
    onRequest: (req) => {
      req.on('socket', (socket) =>
        socket.removeAllListeners('lookup').removeAllListeners('connectionAttempt'),
      );
      req.end();
    },
  });
  assert.equal(r1.recorder.story(), 'GC DS DD GO HF WH WR FB response end PI RT');
});

test('a socket that the application opens while it has the response is none of the request’s', async (t) => {
  const { server, get } = await stage(t);
  const sockets: net.Socket[] = [];
  const r1 = await get({ onResponse: () => sockets.push(net.connect(server.port, 'localhost')) });
  for (const socket of sockets) {
    if (socket.connecting) await once(socket, 'connect');
    socket.destroy();
  }
  assert.equal(sockets.length, 1);
  assert.equal(r1.recorder.story(), 'GC CS CD GO HF WH WR FB response end PI RT');
});

test('a socket that the application opens while the request dials, or when it is connected, is none of the request’s', async (t) => {
  const { server, get } = await stage(t);
  const sockets: net.Socket[] = [];
  const r1 = await get({
    onRequest: (req) => {
      const open = () => sockets.push(net.connect(server.port, '127.0.0.1'));
      req.on('socket', (socket) => {
        open();
        socket.once('connect', open);
      });
      req.end();
    },
  });
  for (const socket of sockets) socket.destroy();
  assert.equal(sockets.length, 2);
  assert.equal(r1.recorder.count('connectStart'), 1);
});

test('a connection that a lookup opens to find the answer is none of the request’s', async (t) => {
  const { server, get } = await stage(t, undefined, { tls: await certificateFor('127.0.0.1') });
  const resolver = { port: server.port, host: '127.0.0.1', ca: server.ca };
  const r1 = await get({
    hostname: 'one.test',
    port: server.port,
    rejectUnauthorized: false,
    lookup: (...args) => {
      const socket = tls.connect(resolver, () => {
        socket.destroy();
        lookupOf('127.0.0.1')(...args);
      });
    },
  });
  assert.equal(r1.recorder.story(), 'GC DS DD CS CD TS TD GO HF WH WR FB response end PI RT');
});
