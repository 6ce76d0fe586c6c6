import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { context } from '@opentelemetry/api';
import type * as Undici from 'undici-6';
import { withClientTrace } from '../../src';
import { type Certificate, certificate } from './certs';
import { Recorder } from './recorder';
import { listening, serve, type TestServer } from './servers';

/** One way to make requests: a server that answers it, and clients. */
export interface Transport {
  readonly name: string;
  /** Of the README's table of what is seen. */
  readonly column: '`http`, `https`' | '`fetch`, undici' | '`http2`';
  readonly tls: boolean;
  serve(handler: http.RequestListener): Promise<TestServer>;
  /** A client that has no connection yet. */
  client(options: ClientOptions): Client;
}

export interface ClientOptions {
  readonly origin: string;
  readonly ca?: string | undefined;
  readonly lookup?: LookupFunction;
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** The body of the response is not read: closed, cancelled, or whatever the transport has. */
  readonly givesUp?: boolean;
  /** Told when the head of the response is there. */
  readonly onResponse?: () => void;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Client {
  /** Resolves with the whole answer; rejects with what the application sees. */
  send(path: string, options: SendOptions): Promise<Answer>;
  close(): void | Promise<void>;
}

/** What became of a traced request. */
export interface Traced {
  readonly answer?: Answer;
  readonly error?: Error;
  readonly recorder: Recorder;
}

/** Makes a request under a recording trace; resolves when the recorder has its last word, with the invariants asserted. */
export async function trace(client: Client, path: string, options: SendOptions = {}): Promise<Traced> {
  const recorder = new Recorder();
  const outcome = await context.with(withClientTrace(context.active(), recorder.trace), () =>
    client.send(path, options).then(
      (answer) => ({ answer }),
      (error: Error) => ({ error }),
    ),
  );
  await recorder.done;
  recorder.assertInvariants();
  return { ...outcome, recorder };
}

function http1(name: 'http' | 'https'): Transport {
  return {
    name,
    column: '`http`, `https`',
    tls: name === 'https',
    serve: (handler) => serve(handler, { tls: name === 'https' }),
    client({ origin, ...rest }) {
      const { Agent, request } = name === 'https' ? https : http;
      const agent = new Agent({ keepAlive: true, ...(rest as http.AgentOptions) });
      return {
        send: (path, options) => sendHttp1(request, origin + path, agent, options),
        close: () => agent.destroy(),
      };
    },
  };
}

function sendHttp1(
  request: typeof http.request,
  url: string,
  agent: http.Agent,
  { body, givesUp, onResponse, ...options }: SendOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent, ...options }, (res) => {
      onResponse?.();
      const status = res.statusCode ?? 0;
      if (givesUp) return void res.destroy().on('close', () => resolve({ status, body: '' }));
      text(res).then((all) => resolve({ status, body: all }), reject);
    });
    req.on('error', reject);
    if (options.headers?.expect === undefined) req.end(body);
    else req.on('continue', () => req.end(body));
  });
}

function session(name: string, tls: boolean): Transport {
  return {
    name,
    column: '`http2`',
    tls,
    serve: async (handler) => {
      const listener = handler as unknown as (
        req: http2.Http2ServerRequest,
        res: http2.Http2ServerResponse,
      ) => void;
      const cert: Certificate | undefined = tls ? await certificate() : undefined;
      const server = cert ? http2.createSecureServer(cert, listener) : http2.createServer(listener);
      server.on('sessionError', () => {});
      return listening(server, cert, new Map(), {});
    },
    client({ origin, ...rest }) {
      const client = http2.connect(origin, rest as http2.SecureClientSessionOptions);
      client.on('error', () => {});
      return { send: (path, options) => sendHttp2(client, path, options), close: () => client.destroy() };
    },
  };
}

function sendHttp2(
  client: http2.ClientHttp2Session,
  path: string,
  { method = 'GET', headers, body, signal, givesUp, onResponse }: SendOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { ':path': path, ':method': method, ...headers };
    const stream = client.request(all, signal && { signal });
    let status = 0;
    stream.on('response', (received) => {
      onResponse?.();
      status = Number(received[':status']);
      if (givesUp) stream.destroy();
    });
    let received = '';
    if (!givesUp)
      stream.setEncoding('utf8').on('data', (chunk) => {
        received += chunk;
      });
    stream.on('error', reject);
    // A stream that was cancelled or cut off is closed without an error.
    stream.on('close', () =>
      stream.rstCode === 0 ? resolve({ status, body: received }) : reject(new Error('stream cancelled')),
    );
    if (stream.writableEnded) return;
    if (headers?.expect === undefined) stream.end(body);
    else stream.on('continue', () => stream.end(body));
  });
}

type Send = (url: string, options: SendOptions) => Promise<Undici.Dispatcher.ResponseData>;

function undici(name: string, tls: boolean): Transport {
  return {
    name,
    column: '`fetch`, undici',
    tls,
    serve: (handler) => serve(handler, { tls }),
    client({ origin, ...connect }) {
      // Node 20 has no newer one.
      const { Agent, request }: typeof Undici = require('undici-6');
      const dispatcher = new Agent({ connect });
      const send: Send = (url, { method = 'GET', headers, body, signal }) =>
        request(url, {
          dispatcher,
          method: method as Undici.Dispatcher.HttpMethod,
          ...(headers && { headers }),
          ...(body && { body }),
          ...(signal && { signal }),
        });
      return {
        send: async (path, options) => {
          const { statusCode: status, body } = await send(origin + path, options);
          options.onResponse?.();
          if (!options.givesUp) return { status, body: await body.text() };
          body.on('error', () => {}).destroy();
          return { status, body: '' };
        },
        close: () => dispatcher.destroy(),
      };
    },
  };
}

const FETCH: Transport = {
  name: 'fetch',
  column: '`fetch`, undici',
  tls: false,
  serve: (handler) => serve(handler),
  client: ({ origin }) => ({
    send: async (path, { onResponse, givesUp, ...init }) => {
      const response = await fetch(origin + path, init);
      onResponse?.();
      if (!givesUp) return { status: response.status, body: await response.text() };
      await response.body?.cancel();
      return { status: response.status, body: '' };
    },
    // Its connections are those of the process, and close with the server.
    close: () => {},
  }),
};

export const TRANSPORTS: readonly Transport[] = [
  http1('http'),
  http1('https'),
  FETCH,
  undici('undici', false),
  undici('undici over TLS', true),
  session('http2', false),
  session('http2 over TLS', true),
];
