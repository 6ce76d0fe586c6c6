import { domainToASCII } from 'node:url';

/** Where a request is going: the first hop. */
export interface Target {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
}

const NOT_ASCII = /[^\0-\x7f]/;

/** A host as it goes over the wire: IDN in punycode, IPv6 without brackets, otherwise as it was given. */
export function asciiHost(host: string): string {
  // Usually it is the same as the last time.
  if (host !== latestHost) {
    latestAscii = toAscii(host);
    latestHost = host;
  }
  return latestAscii;
}

let latestHost = '';
let latestAscii = '';

function toAscii(host: string): string {
  if (host.startsWith('[') && host.endsWith(']')) return host.slice(1, -1);
  return NOT_ASCII.test(host) ? domainToASCII(host) || host : host;
}

/** `host:port` in Go's form, with IPv6 in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
