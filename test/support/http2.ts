import http2 from 'node:http2';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { type Certificate, certificate } from './certs';
import { Recorder } from './recorder';
import { listening, type TestServer } from './servers';

export type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

export interface ServeHttp2Options {
  readonly tls?: boolean | Certificate;
  readonly port?: number;
  readonly settings?: http2.Settings;
}

/** A server that speaks HTTP/2 only; without TLS with prior knowledge. */
export async function serveHttp2(onStream: OnStream, options: ServeHttp2Options = {}): Promise<TestServer> {
  const cert = options.tls === true ? await certificate() : options.tls || undefined;
  const { settings = {} } = options;
  const server = cert ? http2.createSecureServer({ ...cert, settings }) : http2.createServer({ settings });
  const remotePorts = new Map<string, number>();
  server.on('stream', (stream, headers) => {
    remotePorts.set(String(headers[':path']), stream.session?.socket.remotePort ?? 0);
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.on('sessionError', () => {});
  return await listening(server, cert, remotePorts, options);
}

export interface StreamOutcome {
  readonly status?: number;
  readonly body: string;
  readonly trailers?: http2.IncomingHttpHeaders;
  readonly error?: NodeJS.ErrnoException;
  readonly recorder: Recorder;
}

export interface StreamOptions extends http2.ClientSessionRequestOptions {
  readonly headers?: http2.OutgoingHttpHeaders;
  /** Written and ended; without it, and without `onStream`, the stream is ended if Node has not done so. */
  readonly body?: string;
  /** False: the response is left alone. */
  readonly read?: boolean;
  /** Given the stream right after it was made. */
  readonly onStream?: (stream: http2.ClientHttp2Stream) => void;
  readonly onResponse?: (stream: http2.ClientHttp2Stream) => void;
}

type Mark = (word: string, error?: Error) => void;

/** Makes a request under a recording trace; resolves when the stream is closed and the recorder has its last word, with the invariants asserted. */
export async function request(
  session: http2.ClientHttp2Session,
  path: string,
  options: StreamOptions = {},
): Promise<StreamOutcome> {
  const recorder = new Recorder();
  const outcome = await context.with(withClientTrace(context.active(), recorder.trace), () =>
    send(session, path, options, (word, error) => recorder.mark(word, error)),
  );
  await recorder.done;
  recorder.assertInvariants();
  return { ...outcome, recorder };
}

/** The same without a trace. `mark` is told what the application sees. */
export function send(
  session: http2.ClientHttp2Session,
  path: string,
  options: StreamOptions = {},
  mark: Mark = () => {},
): Promise<Omit<StreamOutcome, 'recorder'>> {
  const { headers, body, read = true, onStream, onResponse, ...rest } = options;
  return new Promise((resolve, reject) => {
    let outcome: Omit<StreamOutcome, 'recorder'> = { body: '' };
    let stream: http2.ClientHttp2Stream;
    try {
      stream = session.request({ ':path': path, ...headers }, rest);
    } catch (error) {
      return reject(error);
    }
    if (read)
      stream.setEncoding('utf8').on('data', (chunk) => {
        outcome = { ...outcome, body: outcome.body + chunk };
      });
    stream.on('response', (received) => {
      mark('response');
      outcome = { ...outcome, status: Number(received[':status']) };
      onResponse?.(stream);
    });
    stream.on('trailers', (trailers) => {
      mark('trailers');
      outcome = { ...outcome, trailers };
    });
    stream.on('end', () => mark('end'));
    stream.on('error', (error) => {
      mark('error', error);
      outcome = { ...outcome, error };
    });
    stream.on('close', () => setImmediate(() => resolve(outcome)));
    onStream?.(stream);
    if (!onStream && !stream.writableEnded) stream.end(body);
  });
}
