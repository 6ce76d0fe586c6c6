import http from 'node:http';
import https from 'node:https';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type ClientTrace, withClientTrace } from 'opentelemetry-instrumentation-httptrace';
import { collector } from './sdk';

export interface RequestOptions extends https.RequestOptions {
  /** Sent when the server says `100 Continue`. */
  readonly body?: Buffer;
  /** Milliseconds until the request is given up. */
  readonly limit?: number;
}

/** What became of a request. */
export interface Traced {
  /** All that was exported of it. */
  readonly spans: ReadableSpan[];
  readonly error: Error | undefined;
}

const HEADERS = { accept: '*/*', 'user-agent': 'httptrace-waterfall' };

/** Makes a request, reads the response to its end, and returns the spans of both. */
export async function request(url: URL, options: RequestOptions = {}): Promise<Traced> {
  let traceId = '';
  let over = () => {};
  const isOver = new Promise<void>((resolve) => {
    over = resolve;
  });
  const hooks: ClientTrace = {
    getConn: () => {
      traceId = trace.getActiveSpan()?.spanContext().traceId ?? '';
    },
    // The phases are written when the request is over, which is after the application has its response.
    roundTripDone: () => over(),
  };
  const error = await context.with(withClientTrace(ROOT_CONTEXT, hooks), () => send(url, options));
  await atMost(2_000, isOver);
  return { spans: collector.take(traceId), error };
}

function send(url: URL, { body, limit = 30_000, ...options }: RequestOptions): Promise<Error | undefined> {
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve) => {
    const req = client.request(url, { ...options, headers: { ...HEADERS, ...options.headers } });
    let running: http.ClientRequest | http.IncomingMessage = req;
    const timer = setTimeout(() => running.destroy(timeout(limit)), limit);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      resolve(error);
    };
    req.on('error', settle);
    // Node closes a request without an error when the server switches protocols unasked.
    req.on('close', () => {
      if (running === req) settle(new Error('closed without a response'));
    });
    req.on('response', (res) => {
      running = res;
      res.on('error', settle);
      res.on('end', () => settle());
      res.resume();
    });
    if (body === undefined) return req.end();
    req.on('continue', () => req.end(body));
    req.flushHeaders();
  });
}

function timeout(limit: number): Error {
  const error = new Error(`no complete response within ${limit / 1000} s`);
  return Object.assign(error, { code: 'ERR_TIMEOUT' });
}

async function atMost(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, bound]);
  clearTimeout(timer);
}
