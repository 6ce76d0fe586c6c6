import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Certificate, certificate } from '../support/certs';
import { type GetOptions, type Outcome, request } from '../support/client';
import { instrumentForHooks } from '../support/hooksonly';
import { type ServeOptions, serve, serveRaw, type TestServer } from '../support/servers';
import { expected, type NamesOf, SCENARIOS, type Scenario, type Theme } from './scenarios';

instrumentForHooks();

type Protocol = 'http:' | 'https:';
type Story = Outcome | string;
type Run = (t: TestContext) => Promise<readonly Story[]>;

/**
 * Makes a test of each scenario of a theme; the compiler demands them all. Each makes its requests for real, asserts what the hooks were told, and
 * returns the stories, which must be those of the table.
 */
export function conformance<T extends Theme>(_theme: T, runs: Record<NamesOf<T>, Run>): void {
  for (const [name, run] of Object.entries<Run>(runs)) {
    const scenario: Scenario = SCENARIOS[name as NamesOf<T>];
    test(`${name}: ${scenario.claim}`, async (t) => {
      const stories = (await run(t)).map((each) => (typeof each === 'string' ? each : each.recorder.story()));
      assert.deepEqual(stories, expected(scenario));
    });
  }
}

/** A server, and an agent to ask it with; closed with the test. */
export interface Stage {
  readonly server: TestServer;
  readonly agent: http.Agent;
  /** Makes a traced request to the server's IP address over the agent, unless the options say otherwise. */
  get(options?: GetOptions, path?: string): Promise<Outcome>;
}

export interface StageOptions extends ServeOptions {
  /** For the agent, which keeps connections alive unless told not to. */
  readonly agent?: https.AgentOptions;
}

/** With a server that answers requests; `'ok'` if nothing else is said. */
export async function stage(
  t: TestContext,
  handler: RequestListener = (req, res) => req.resume().on('end', () => res.end('ok')),
  { agent, ...options }: StageOptions = {},
): Promise<Stage> {
  return set(t, await serve(handler, options), agent);
}

/** With a server that speaks bytes; `https:` has it asked by a client that expects TLS. */
export async function rawStage(
  t: TestContext,
  onConnection: Parameters<typeof serveRaw>[0],
  protocol: Protocol = 'http:',
  agent: https.AgentOptions = {},
): Promise<Stage> {
  return set(t, await serveRaw(onConnection), agent, protocol);
}

/** With a server that speaks bytes over TLS. */
export async function rawTlsStage(
  t: TestContext,
  onConnection: Parameters<typeof serveRaw>[0],
): Promise<Stage> {
  return set(t, await serveRaw(onConnection, { tls: await certificateFor('127.0.0.1') }));
}

/** With a server that answers the first bytes of every connection with these bytes, and maybe closes then. */
export function answering(t: TestContext, answer: string, close = false): Promise<Stage> {
  return rawStage(t, (socket) =>
    socket.once('data', () => (close ? socket.end(answer) : socket.write(answer))),
  );
}

function set(
  t: TestContext,
  server: TestServer,
  options: https.AgentOptions = {},
  protocol: Protocol = server.ca === undefined ? 'http:' : 'https:',
): Stage {
  const agent = new (protocol === 'https:' ? https : http).Agent({ keepAlive: true, ...options });
  t.after(async () => {
    agent.destroy();
    await server.close();
  });
  const target = { ...server, origin: `${protocol}//${server.address}` };
  return {
    server,
    agent,
    get: (given, path = '/') => request(target, path, { agent, ...given }),
  };
}

/** Resolves when a socket is closed, or has been. */
export async function closed(socket: net.Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

const certificates = new Map<string, Promise<Certificate>>();

/** A certificate for a host, made once: that takes a while. */
export function certificateFor(host: string): Promise<Certificate> {
  const made = certificates.get(host) ?? certificate(host);
  certificates.set(host, made);
  return made;
}
