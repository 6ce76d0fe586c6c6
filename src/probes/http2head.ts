import type { ClientHttp2Stream } from 'node:http2';

/** Whether the application may hold the body back until the server says `100 Continue`. */
export function waits100Continue({ sentHeaders }: ClientHttp2Stream): boolean {
  return /100-continue/i.test(String(sentHeaders?.expect ?? ''));
}

/** As in Go one value at a time, pseudo header fields first; in lower case, as on the wire. */
export function* headerFields({ sentHeaders }: ClientHttp2Stream): Iterable<[string, readonly string[]]> {
  const fields = Object.entries(sentHeaders ?? {});
  for (const pseudo of [true, false])
    for (const [name, values] of fields) {
      if (values === undefined || name.startsWith(':') !== pseudo) continue;
      for (const value of Array.isArray(values) ? values : [values])
        yield [name.toLowerCase(), [String(value)]];
    }
}
