import http from 'node:http';
import https from 'node:https';
import { context } from '@opentelemetry/api';
import { withClientTrace } from '../../src';
import { Recorder } from './recorder';
import type { TestServer } from './servers';

export interface Outcome {
  readonly status?: number;
  readonly ALPNProtocols?: string[];
  readonly autoSelectFamily?: boolean;
  readonly autoSelectFamilyAttemptTimeout?: number;
  readonly body?: string;
  /** False: the response is left alone. */
  readonly read?: boolean;
  readonly error?: NodeJS.ErrnoException;
  readonly recorder: Recorder;
}

export interface GetOptions extends https.RequestOptions {
  readonly ALPNProtocols?: string[];
  readonly autoSelectFamily?: boolean;
  readonly autoSelectFamilyAttemptTimeout?: number;
  readonly body?: string;
  /** False: the response is left alone. */
  readonly read?: boolean;
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
    send(new URL(path, server.origin), { ...(server.ca && { ca: server.ca }), ...options }, (word, error) =>
      recorder.mark(word, error),
    ),
  );
  await recorder.done;
  recorder.assertInvariants();
  return { ...result, recorder };
}

type Mark = (word: string, error?: Error) => void;

/** The same without a trace. `mark` is told what the application sees. */
export function send(
  url: URL,
  options: GetOptions = {},
  mark: Mark = () => {},
): Promise<Omit<Outcome, 'recorder'>> {
  const { body, read = true, onRequest, onResponse, ...rest } = options;
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve) => {
    let outcome: Omit<Outcome, 'recorder'> = {};
    let open = 1;
    const closed = () => {
      if (--open === 0) setImmediate(() => resolve(outcome));
    };
    const failed = (word: string) => (error: Error) => {
      mark(word, error);
      outcome = { error, ...outcome };
    };
    const req = client.request(url, rest);
    req.on('response', (res) => {
      open++;
      mark('response');
      let text = '';
      if (read)
        res.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
      res.on('end', () => mark('end'));
      res.on('error', failed('bodyerror'));
      res.on('close', () => {
        outcome = { ...outcome, status: res.statusCode ?? 0, body: text };
        closed();
      });
      onResponse?.(res, req);
    });
    req.on('error', failed('error'));
    req.on('close', closed);
    onRequest?.(req);
    if (!onRequest) req.end(body);
  });
}
