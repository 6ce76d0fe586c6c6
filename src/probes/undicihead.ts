import type { IncomingHttpHeaders } from 'node:http';
import { fieldsOf } from './head';
import { asciiHost, type Target } from './hostport';
import type { RawHeaders, UndiciRequest } from './undicimessages';

const MOST_TARGETS = 1_000;
const targets = new Map<string, Target>();

/** Where a request is going. Of its proxy, if it has one, it knows nothing. */
export function targetOf({ origin = '' }: UndiciRequest): Target {
  const url = typeof origin === 'string' ? origin : String(origin);
  const known = targets.get(url);
  if (known !== undefined) return known;
  const target = parse(url);
  if (targets.size >= MOST_TARGETS) targets.clear();
  targets.set(url, target);
  return target;
}

function parse(origin: string): Target {
  const { protocol, hostname, port } = new URL(origin);
  const isSecure = protocol === 'https:';
  return {
    protocol: isSecure ? 'https:' : 'http:',
    host: asciiHost(hostname),
    port: Number(port) || (isSecure ? 443 : 80),
  };
}

/** The value of a header field that the request has now: the last, if there are several. */
export function lastHeader({ headers }: UndiciRequest, name: string): string | undefined {
  if (typeof headers === 'string') return fieldsOf(headers.split('\r\n')).get(name)?.at(-1);
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const key = headers[i];
    if (typeof key !== 'string' || key.length !== name.length) continue;
    if (key !== name && key.toLowerCase() !== name) continue;
    const value = headers[i + 1];
    return typeof value === 'string' ? value : value?.at(-1);
  }
  return undefined;
}

const EXPECTS_PAYLOAD = new Set(['PUT', 'POST', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** Whether a body follows the head. */
export function hasBody({ body, contentLength }: UndiciRequest): boolean {
  return body !== null && (lengthOf(body) ?? contentLength) !== 0;
}

/**
 * The header fields as sent, each name once with all its values.
 *
 * undici appends the framing of the body to the head only as it writes it, after it has told the rest.
 */
export function headerFields(
  request: UndiciRequest,
  head: string,
  isH2: boolean,
): Map<string, readonly string[]> {
  const lines = head.split('\r\n');
  if (isH2) return fieldsOf(lines);
  const framing = framingOf(request);
  return fieldsOf(framing === undefined ? lines.slice(1) : [...lines.slice(1, -1), framing]);
}

function framingOf({ body, contentLength, method }: UndiciRequest): string | undefined {
  // Its length is found out, and its boundary made, as it is written.
  if (Object.prototype.toString.call(body) === '[object FormData]') return undefined;
  const length = lengthOf(body) ?? contentLength;
  if (length === 0 && !EXPECTS_PAYLOAD.has(method)) return undefined;
  return length === null ? 'transfer-encoding: chunked' : `content-length: ${length}`;
}

/** What undici knows of the length of a body before it is sent. */
function lengthOf(body: unknown): number | undefined {
  if (body === null || body === undefined) return 0;
  const { byteLength, size, _readableState } = body as {
    readonly byteLength?: number;
    readonly size?: number;
    readonly _readableState?: { objectMode: boolean; ended: boolean; length: number };
  };
  if (_readableState !== undefined)
    return !_readableState.objectMode && _readableState.ended ? _readableState.length : undefined;
  return byteLength ?? size;
}

/** As Node gives them: names in lower case, several values joined, those of `set-cookie` in an array. */
export function incomingHeaders(raw: RawHeaders): IncomingHttpHeaders {
  if (!Array.isArray(raw)) return { ...(raw as Readonly<Record<string, string | string[]>>) };
  const headers: IncomingHttpHeaders = {};
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = String(raw[i]).toLowerCase();
    const value = raw[i + 1] as Buffer | string;
    const text = typeof value === 'string' ? value : value.toString('latin1');
    if (name === 'set-cookie') headers[name] = [...(headers[name] ?? []), text];
    else headers[name] = headers[name] === undefined ? text : `${headers[name]}, ${text}`;
  }
  return headers;
}
