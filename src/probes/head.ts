import type { ClientRequest } from 'node:http';
import type { Request } from './clientrequest';
import type { RoundTrip } from './roundtrip';

/** A request's head as Node keeps it: the text that goes over the wire, and what it decided about the body. */
export interface WrittenHead extends ClientRequest {
  readonly _header?: string | null;
  readonly _contentLength?: number | null;
  readonly _headerSent?: boolean;
  readonly outputData?: readonly unknown[];
}

/** Once the header is handed to a connected socket: Go's moment, which is after the connection is obtained. */
export function wroteHeaders(this: Request, roundTrip: RoundTrip): void {
  if (roundTrip.hasWrittenHeaders || !roundTrip.hasConn || !hasHandedOverHeader(this) || !this.socket) return;
  const withBody = hasBody(this);
  roundTrip.wroteHeaders(withBody, withBody && waits100Continue(this), this, headerFields);
}

/** A proxy agent that rewrites a header which waits for the connection (http-proxy-agent) has Node think it was never sent. */
function hasHandedOverHeader({ _headerSent, outputData }: WrittenHead): boolean {
  return _headerSent === true || (outputData !== undefined && outputData.length > 0);
}

/** Whether a body follows the head. */
function hasBody(req: WrittenHead): boolean {
  // Node (20 to 26) keeps there what the header `Content-Length` says, too.
  return req.chunkedEncoding || (req._contentLength ?? 0) > 0;
}

/** Whether the client may hold the body back until the server says `100 Continue`. */
function waits100Continue(req: WrittenHead): boolean {
  const expect = req.getHeader('expect');
  return expect !== undefined && /100-continue/i.test(String(expect));
}

/** The header fields as sent: each name once, with all its values, in wire order and spelling. */
function headerFields(req: WrittenHead): Map<string, readonly string[]> {
  return fieldsOf((req._header ?? '').split('\r\n').slice(1));
}

/** The header fields of these lines: each name once, with all its values. */
export function fieldsOf(lines: readonly string[]): Map<string, readonly string[]> {
  const fields = new Map<string, [string, string[]]>();
  for (const line of lines) {
    // The names of HTTP/2's pseudo-headers begin with one.
    const colon = line.indexOf(':', 1);
    if (colon < 1) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    const field = fields.get(name.toLowerCase());
    if (field === undefined) fields.set(name.toLowerCase(), [name, [value]]);
    else field[1].push(value);
  }
  return new Map(fields.values());
}
