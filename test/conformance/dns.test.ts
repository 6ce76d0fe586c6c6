import assert from 'node:assert/strict';
import { promises as dns } from 'node:dns';
import http from 'node:http';
import net, { type LookupFunction } from 'node:net';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { HttpTraceInstrumentation, withClientTrace } from '../../src';
import { lookupOf, unknownName } from '../support/dns';
import { Recorder } from '../support/recorder';
import { conformance, stage } from './stage';

const NAMED = 'GC DS DD CS CD GO HF WH WR FB response end PI RT';
const LOOPBACK = lookupOf('127.0.0.1');
const ANSWER = { addrs: [{ address: '127.0.0.1', family: 4 }], coalesced: false };

/** A server where `localhost` leads, and what the system says of that name. */
async function localhost(t: Parameters<typeof stage>[0]) {
  const addrs = await dns.lookup('localhost', { all: true });
  const set = await stage(t, undefined, { host: addrs[0]?.address ?? '' });
  return { ...set, addrs, named: { hostname: 'localhost', port: set.server.port } };
}

conformance('dns', {
  localhost_name: async (t) => {
    const { server, addrs, named, get } = await localhost(t);
    const r1 = await get(named);
    assert.deepEqual(r1.recorder.args('getConn'), [`localhost:${server.port}`]);
    assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'localhost' }]);
    assert.deepEqual(r1.recorder.args('dnsDone'), [{ addrs, coalesced: false }]);
    assert.deepEqual(r1.recorder.args('connectStart'), ['tcp', server.address]);
    return [r1];
  },

  dns_one_address: async (t) => {
    const { server, get } = await stage(t);
    const times: number[] = [];
    let answeredAt = 0;
    const older = {
      dnsStart: () => times.push(performance.now()),
      dnsDone: () => times.push(performance.now()),
    };
    const lookup: LookupFunction = (...args) => {
      setTimeout(() => {
        answeredAt = performance.now();
        LOOPBACK(...args);
      }, 50);
    };
    const r1 = await context.with(withClientTrace(context.active(), older), () =>
      get({ hostname: 'one.test', port: server.port, lookup }),
    );
    const [start = 0, done = 0] = times;
    assert.ok(start < answeredAt && answeredAt < done);
    assert.deepEqual(r1.recorder.args('getConn'), [`one.test:${server.port}`]);
    assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'one.test' }]);
    assert.deepEqual(r1.recorder.args('dnsDone'), [ANSWER]);
    return [r1];
  },

  dns_idn_host: async (t) => {
    const { server, get } = await stage(t);
    const r1 = await get({ hostname: 'bücher.test', port: server.port, lookup: LOOPBACK });
    assert.deepEqual(r1.recorder.args('getConn'), [`xn--bcher-kva.test:${server.port}`]);
    assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'xn--bcher-kva.test' }]);
    return [r1];
  },

  dns_coalesced: async (t) => {
    const { addrs, named, get } = await localhost(t);
    const outcomes = await Promise.all([get(named), get(named)]);
    for (const { recorder } of outcomes)
      assert.deepEqual(recorder.args('dnsDone'), [{ addrs, coalesced: false }]);
    return outcomes;
  },

  dns_failure_nxdomain: async (t) => {
    const { get } = await stage(t);
    const r1 = await get({ hostname: 'nonexistent.invalid', port: 80, lookup: unknownName });
    assert.deepEqual(r1.recorder.args('getConn'), ['nonexistent.invalid:80']);
    assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'nonexistent.invalid' }]);
    assert.deepEqual(r1.recorder.args('dnsDone'), [{ addrs: [], coalesced: false, err: r1.error }]);
    return [r1];
  },
});

test('a name that the system cannot resolve fails its lookup with the system’s error', async (t) => {
  const { get } = await stage(t);
  // Longer than a label may be: no name server is asked.
  const r1 = await get({ hostname: `${'x'.repeat(64)}.invalid` });
  assert.match(r1.recorder.story(), /^GC DS DD!(E\w+) RT!\1 error!\1$/);
  assert.deepEqual(r1.recorder.args('dnsDone'), [{ addrs: [], coalesced: false, err: r1.error }]);
});

test('an answer of several addresses is told whole, in the order in which they are tried', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({ hostname: 'two.test', port: server.port, lookup: lookupOf('127.0.0.1', '::1') });
  assert.deepEqual(r1.recorder.args('dnsDone'), [
    {
      addrs: [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ],
      coalesced: false,
    },
  ]);
  assert.equal(r1.recorder.story(), NAMED);
});

test('a lookup that may answer one address only answers one', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({
    hostname: 'two.test',
    port: server.port,
    lookup: lookupOf('127.0.0.1', '::1'),
    autoSelectFamily: false,
  });
  assert.deepEqual(r1.recorder.args('dnsDone'), [ANSWER]);
  assert.equal(r1.recorder.story(), NAMED);
});

test('a lookup that answers at once is a lookup', async (t) => {
  const { server, get } = await stage(t);
  const lookup: LookupFunction = (_host, options, callback) =>
    options.all ? callback(null, ANSWER.addrs) : callback(null, '127.0.0.1', 4);
  const r1 = await get({ hostname: 'now.test', port: server.port, lookup });
  assert.deepEqual(r1.recorder.args('dnsDone'), [ANSWER]);
  assert.equal(r1.recorder.story(), NAMED);
});

test('a lookup that answers what is no address fails', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({ hostname: 'odd.test', port: server.port, lookup: lookupOf('not.an.address') });
  assert.equal(
    r1.recorder.story(),
    'GC DS DD!ERR_INVALID_IP_ADDRESS RT!ERR_INVALID_IP_ADDRESS error!ERR_INVALID_IP_ADDRESS',
  );
});

test('a lookup that answers twice has Node connect twice, the second time in vain', async (t) => {
  const { server, get } = await stage(t);
  const lookup: LookupFunction = (...args) => {
    LOOPBACK(...args);
    LOOPBACK(...args);
  };
  const r1 = await get({ hostname: 'twice.test', port: server.port, lookup });
  assert.equal(r1.recorder.story(), 'GC DS DD CS CD!EALREADY RT!EALREADY error!EALREADY');
});

for (const [code, options] of [
  ['ERR_SOCKET_BAD_PORT', { port: 65_536 }],
  ['ERR_INVALID_IP_ADDRESS', { localAddress: 'not.an.address' }],
] as const)
  test(`a lookup that Node refuses to make is none: ${code}`, async (t) => {
    const { server, agent } = await stage(t);
    const socket = new net.Socket();
    t.after(() => socket.destroy());
    Object.assign(agent, { createConnection: (given: net.TcpNetConnectOpts) => socket.connect(given) });
    const recorder = new Recorder();
    const call = () => http.get({ hostname: 'none.test', port: server.port, agent, ...options });
    assert.throws(() => context.with(withClientTrace(context.active(), recorder.trace), call), { code });
    assert.equal(recorder.sequence(), `GC RT!${code}`);
  });

test('a name is told as it was given: a trailing dot and its case are kept', async (t) => {
  const { server, get } = await stage(t);
  const r1 = await get({ hostname: 'Dotted.Test.', port: server.port, lookup: LOOPBACK });
  assert.deepEqual(r1.recorder.args('getConn'), [`Dotted.Test.:${server.port}`]);
  assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'Dotted.Test.' }]);
});

test('without a host the request goes to localhost, and without a port to the default one', async (t) => {
  const { server, addrs, get } = await localhost(t);
  const r1 = await get({ hostname: '', port: server.port });
  assert.deepEqual(r1.recorder.args('dnsDone'), [{ addrs, coalesced: false }]);
  assert.deepEqual(r1.recorder.args('getConn'), [`localhost:${server.port}`]);
  const r2 = await get({ hostname: 'none.test', port: '', lookup: unknownName });
  assert.deepEqual(r2.recorder.args('getConn'), ['none.test:80']);
});

test('with coalesceLookups two lookups at once share one query, and both say so, as in Go', async (t) => {
  const { addrs, named, get } = await localhost(t);
  const sharing = new HttpTraceInstrumentation({ mode: 'off', coalesceLookups: true });
  t.after(() => sharing.disable());
  for (const { recorder } of await Promise.all([get(named), get(named)])) {
    assert.deepEqual(recorder.args('dnsDone'), [{ addrs, coalesced: true }]);
    assert.equal(recorder.story(), NAMED);
  }
  const alone = await get({ ...named, agent: false });
  assert.deepEqual(alone.recorder.args('dnsDone'), [{ addrs, coalesced: false }]);
});
