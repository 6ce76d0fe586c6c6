import assert from 'node:assert/strict';
import type https from 'node:https';
import { after, describe, test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { type Certificate, certificate } from '../support/certs';
import { type GetOptions, type Outcome, request } from '../support/client';
import {
  childOf,
  clientSpan,
  exporter,
  registerHttpInstrumentation,
  registerSdk,
  tree,
  written,
} from '../support/otel';
import type { TestProxy } from '../support/proxies';
import { serve, type TestServer } from '../support/servers';
import { sequenceOf } from './sequence';

/** What an agent does with requests, and what is seen of it. */
export interface Case {
  /** None: the agent connects to the server itself. */
  readonly proxy?: () => Promise<TestProxy>;
  readonly tls?: boolean;
  /** Given the origin of the proxy, if there is one, and options for `http.Agent`; what it returns goes into the options of each request. */
  options(proxy: string, agent: https.AgentOptions): Promise<GetOptions> | GetOptions;
  /** Whom `getConn` names: the proxy, if the agent tells of it. */
  readonly names: 'proxy' | 'target';
  /** The hooks of the first request. */
  readonly cold: string;
  /** The hooks of the second; without it, those of the first once more. */
  readonly second?: string;
  /** How many connections serve 20 requests at once over 4 sockets; without it, that is the agent's own business. */
  readonly connections?: number;
  readonly skip?: string | false;
}

const COUNT = 20;

/** Call once in a process, before any test. */
export function watchAgents(): void {
  registerSdk();
  registerHttpInstrumentation();
  const instrumentation = new HttpTraceInstrumentation();
  after(() => instrumentation.disable());
}

/** Makes the tests of one way to make requests. */
export function agentTests(name: string, given: Case): void {
  describe(name, { skip: given.skip ?? false }, () => {
    const staged = (run: (stage: Stage, given: Case) => Promise<void>) => async () => {
      const stage = await setUp(given);
      try {
        await run(stage, given);
      } finally {
        await stage.close();
      }
    };
    test('the hooks of a request, and of the next', staged(oneAfterTheOther));
    test(`${COUNT} requests at once over 4 sockets have each its own hooks`, staged(atOnce));
    test(`the phases of ${COUNT} requests at once are below their own client spans`, staged(spansOfEach));
  });
}

interface Stage {
  readonly server: TestServer;
  readonly proxy: TestProxy | undefined;
  /** Where the requests are sent: through a proxy, a name that this machine cannot resolve. */
  readonly target: { port: number; origin: string; ca?: string };
  get(path: string): Promise<Outcome>;
  close(): Promise<void>;
}

const certificates = new Map<string, Promise<Certificate>>();

/** Making one takes a while. */
function certificateFor(host: string): Promise<Certificate> {
  const made = certificates.get(host) ?? certificate(host);
  certificates.set(host, made);
  return made;
}

async function setUp({ proxy: start, tls = false, options }: Case): Promise<Stage> {
  const host = start === undefined ? 'localhost' : 'target.test';
  const server = await serve((_req, res) => void setTimeout(() => res.end('hello'), 2), {
    ...(tls && { tls: await certificateFor(host) }),
  });
  const proxy = await start?.();
  const { port, ca } = server;
  const target = { port, origin: `${tls ? 'https' : 'http'}://${host}:${port}`, ...(ca && { ca }) };
  const agentOptions = { keepAlive: true, maxSockets: 4, ...(ca && { ca }) };
  const made = await options(proxy?.origin ?? '', agentOptions);
  return {
    server,
    proxy,
    target,
    get: (path) => request(target, path, made),
    close: async () => {
      if (typeof made.agent === 'object') made.agent.destroy?.();
      await proxy?.close();
      await server.close();
    },
  };
}

async function oneAfterTheOther(stage: Stage, { names, tls, cold, second }: Case): Promise<void> {
  const { server, proxy, target } = stage;
  const r1 = await stage.get('/first');
  const r2 = await stage.get('/second');
  for (const { status, body } of [r1, r2]) assert.deepEqual([status, body], [200, 'hello']);
  assert.deepEqual(
    [r1, r2].map(({ recorder }) => sequenceOf(recorder)),
    [cold, second ?? cold],
  );

  const hop = names === 'proxy' ? proxy?.origin : target.origin;
  for (const { recorder } of [r1, r2])
    assert.deepEqual(recorder.args('getConn'), [hop?.replace(/^\w+:\/\//, '')]);
  assert.deepEqual(r1.recorder.args('dnsStart'), [{ host: 'localhost' }]);
  const [network, addr, err] = r1.recorder.args('connectDone', r1.recorder.count('connectDone') - 1);
  assert.deepEqual([network, addr, err], ['tcp', `127.0.0.1:${(proxy ?? server).port}`, undefined]);
  if (tls) assert.equal(r1.recorder.args('tlsHandshakeDone')[0]?.servername, new URL(target.origin).hostname);
  assert.equal(r1.recorder.args('gotConn')[0].reused, false);
  assert.equal(r2.recorder.args('gotConn')[0].reused, second !== undefined);
  assert.equal(r2.recorder.args('gotConn')[0].wasIdle, second !== undefined);
}

/** The local port of the connection that carried a request, as seen on the other side. */
function portOf({ server, proxy }: Stage, path: string): number | undefined {
  const found = [...server.remotePorts].find(([seen]) => seen.endsWith(path));
  return found && (proxy === undefined ? found[1] : proxy.clientPorts.get(found[1]));
}

async function atOnce(stage: Stage, { cold, connections }: Case): Promise<void> {
  const paths = Array.from({ length: COUNT }, (_, i) => `/many/${i}/`);
  const opened = (stage.proxy ?? stage.server).connections;
  const outcomes = await Promise.all(paths.map((path) => stage.get(path)));
  const dial = dialOf(cold);
  let dialled = 0;
  outcomes.forEach(({ recorder, status }, i) => {
    const path = paths[i] ?? '';
    assert.equal(status, 200);
    const [{ socket, reused }] = recorder.args('gotConn');
    assert.equal(socket.localPort ?? portOf(stage, path), portOf(stage, path), path);
    const words = sequenceOf(recorder);
    assert.equal(dialOf(words), reused ? '' : dial, `${path}: ${words}`);
    if (!reused) dialled++;
  });
  assert.equal((stage.proxy ?? stage.server).connections - opened, dialled);
  if (connections !== undefined) assert.equal(dialled, connections);
}

/** Between `getConn` and `gotConn`. */
function dialOf(sequence: string): string {
  return /^GC ?(.*?) ?GO/.exec(sequence)?.[1] ?? 'none';
}

async function spansOfEach(stage: Stage, { tls }: Case): Promise<void> {
  exporter.reset();
  const paths = Array.from({ length: COUNT }, (_, i) => `/spans/${i}/`);
  await Promise.all(paths.map((path) => stage.get(path)));
  const dial = ['http.dns', 'http.connect', ...(tls ? ['http.tls'] : [])];
  for (const path of paths) {
    const span = await written(path);
    const reused = span.attributes['http.conn.reused'];
    const words = tree(span).replace(/http.connect, (?=http.connect)/g, '');
    const phases = reused
      ? /^GET > \{ (http.getconn, )?(http.wait, )?http.receive \}$/
      : new RegExp(`^GET > \\{ http.getconn > \\{ ${dial.join(', ')} \\}, (http.wait, )?http.receive \\}$`);
    assert.match(words, phases, path);
    if (reused) continue;
    const getConn = childOf(clientSpan(path), 'http.getconn').attributes;
    assert.equal(getConn['network.local.port'] ?? portOf(stage, path), portOf(stage, path), path);
    assert.equal(getConn['network.peer.port'], (stage.proxy ?? stage.server).port);
  }
}
