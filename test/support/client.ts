import http from 'node:http';
import https from 'node:https';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { Recorder } from './recorder';
import type { TestServer } from './servers';

export interface Outcome {
  readonly status?: number;
  readonly body?: string;
  readonly error?: NodeJS.ErrnoException;
  readonly recorder: Recorder;
}

export interface GetOptions extends https.RequestOptions {
  readonly body?: string;
  /** Given the request right after it was made. */
  readonly onRequest?: (req: http.ClientRequest) => void;
  readonly onResponse?: (res: http.IncomingMessage, req: http.ClientRequest) => void;
}

/**
 * Makes a real request under a recording trace; resolves when the application has its result and the recorder its last word,
 * with the invariants asserted.
 */
export async function request(
  server: TestServer | { port: number; origin: string; ca?: string },
  path: string,
  options: GetOptions = {},
): Promise<Outcome> {
  const recorder = new Recorder();
  const result = await context.with(withClientTrace(context.active(), recorder.trace), () =>
    send(new URL(path, server.origin), { ...(server.ca && { ca: server.ca }), ...options }),
  );
  await recorder.done;
  recorder.assertInvariants();
  return { ...result, recorder };
}

/** The same without a trace. */
export function send(url: URL, options: GetOptions = {}): Promise<Omit<Outcome, 'recorder'>> {
  const { body, onRequest, onResponse, ...rest } = options;
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve) => {
    const req = client.request(url, rest);
    req.on('response', (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: text }));
      res.on('error', (error) => resolve({ status: res.statusCode ?? 0, body: text, error }));
      onResponse?.(res, req);
    });
    req.on('error', (error) => resolve({ error }));
    onRequest?.(req);
    if (!onRequest) req.end(body);
  });
}
