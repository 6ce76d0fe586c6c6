import assert from 'node:assert/strict';
import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { test } from 'node:test';
import { parse } from 'node:url';
import { FirstHop } from '../../src/probes/firsthop';

const TARGET = { host: 'target.test', port: 8080 };
const request = (protocol: string) => ({ protocol }) as ClientRequest;
const of = (agent: unknown, options: unknown = TARGET, protocol = 'http:') => {
  const { host, port } = new FirstHop(agent, request(protocol), options);
  return `${host} ${port}`;
};

const tells: Record<string, [agent: unknown, hop: string]> = {
  'a URL': [{ proxy: new URL('http://user:secret@proxy.test:3128/') }, 'proxy.test 3128'],
  'a URL without a port': [{ proxy: new URL('http://proxy.test') }, 'proxy.test 80'],
  'an https URL without a port': [{ proxy: new URL('https://proxy.test') }, 'proxy.test 443'],
  'a URL with an IPv6 address': [{ proxy: new URL('http://[::1]:3128') }, '::1 3128'],
  'what url.parse returns': [{ proxy: parse('http://proxy.test:3128') }, 'proxy.test 3128'],
  'host and port': [{ proxy: { host: 'proxy.test', port: 1080, type: 5 } }, 'proxy.test 1080'],
  'a name that is not ASCII': [{ proxy: { host: 'präxy.test', port: 1 } }, 'xn--prxy-moa.test 1'],
  'the options of tunnel': [{ proxyOptions: { host: 'proxy.test', port: '3128' } }, 'proxy.test 3128'],
};
for (const [what, [agent, hop]] of Object.entries(tells))
  test(`an agent tells its proxy by ${what}`, () => assert.equal(of(agent), hop));

const silent: Record<string, unknown> = {
  nothing: {},
  'no object': { proxy: 'http://proxy.test' },
  null: { proxy: null },
  'host without port': { proxy: { host: 'proxy.test' } },
  'a port that is none': { proxy: { host: 'proxy.test', port: 'http' } },
  'no host': { proxy: { port: 3128 } },
  'a function': { proxy: () => 'http://proxy.test' },
  'an error': Object.defineProperty({}, 'proxy', {
    get() {
      throw new Error('none of your business');
    },
  }),
};
for (const [what, agent] of Object.entries(silent))
  test(`an agent that tells its proxy by ${what}: the target`, () =>
    assert.equal(of(agent), 'target.test 8080'));

test('options of an http.Agent win over those of the request; of other agents they do not', () => {
  const agent = new http.Agent({ host: 'always.test', port: 1 } as http.AgentOptions);
  assert.equal(of(agent), 'always.test 1');
  assert.equal(of({ options: { host: 'always.test', port: 1 } }), 'target.test 8080');
});

test('ports that are not told are those of the agent, or of the protocol', () => {
  assert.equal(of(new https.Agent(), { host: 'a' }, 'https:'), 'a 443');
  assert.equal(of({}, { host: 'a' }, 'https:'), 'a 443');
  assert.equal(of({}, 'a'), 'a 80');
  assert.equal(of({}, null), 'localhost 80');
});
