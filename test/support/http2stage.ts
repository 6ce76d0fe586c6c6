import { once } from 'node:events';
import http2 from 'node:http2';
import type { TestContext } from 'node:test';
import {
  type OnStream,
  request,
  type ServeHttp2Options,
  type StreamOptions,
  type StreamOutcome,
  serveHttp2,
} from './http2';
import type { TestServer } from './servers';

/** A server, and sessions to ask it with; closed with the test. */
export interface Stage {
  readonly server: TestServer;
  /** A new session to the server's IP address; its errors are the affair of its streams. */
  connect(options?: http2.SecureClientSessionOptions, host?: string): http2.ClientHttp2Session;
  /** Makes a traced request over a session, a new one if none is given. */
  get(path?: string, options?: StreamOptions, session?: http2.ClientHttp2Session): Promise<StreamOutcome>;
}

/** With a server that answers streams; `'ok'` if nothing else is said. */
export async function stage(
  t: TestContext,
  onStream: OnStream = answer,
  options: ServeHttp2Options = {},
): Promise<Stage> {
  return over(t, await serveHttp2(onStream, options));
}

/** With a server that is there already. */
export function over(t: TestContext, server: TestServer): Stage {
  const sessions: http2.ClientHttp2Session[] = [];
  t.after(async () => {
    for (const session of sessions) session.destroy();
    await server.close();
  });
  const connect: Stage['connect'] = (options, host = '127.0.0.1') => {
    const origin = `${server.ca === undefined ? 'http' : 'https'}://${host}:${server.port}`;
    const session = http2.connect(origin, { ...(server.ca && { ca: server.ca }), ...options });
    session.on('error', () => {});
    sessions.push(session);
    return session;
  };
  return {
    server,
    connect,
    get: (path = '/', given, session = connect()) => request(session, path, given),
  };
}

/** Reads the request, and answers it. */
export function answer(stream: http2.ServerHttp2Stream): void {
  stream.resume().on('end', () => {
    stream.respond();
    stream.end('ok');
  });
}

/** Resolves when a session is connected, and its settings are settled. */
export async function connected(session: http2.ClientHttp2Session): Promise<http2.ClientHttp2Session> {
  if (session.connecting) await once(session, 'connect');
  if (session.pendingSettingsAck) await once(session, 'localSettings');
  return session;
}

/** What gotConn was told, without the socket. */
export function gotConn({ recorder }: StreamOutcome): {
  reused: boolean;
  wasIdle: boolean;
  idleTime: number;
} {
  const [{ reused, wasIdle, idleTime }] = recorder.args('gotConn');
  return { reused, wasIdle, idleTime };
}
