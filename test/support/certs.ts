import { isIP } from 'node:net';
import { generate } from 'selfsigned';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate made now, for one host name or IP address; it is its own authority. */
export async function certificate(host = 'localhost'): Promise<Certificate> {
  const altName = isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host };
  const made = await generate([{ name: 'commonName', value: host }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [altName] }],
  });
  return { key: made.private, cert: made.cert };
}
