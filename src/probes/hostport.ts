import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** Where a request is going: the first hop. */
export interface Target {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
}

/** A host as it goes over the wire: IDN in punycode, IPv6 without brackets, otherwise as it was given. */
export function asciiHost(host: string): string {
  if (host.startsWith('[') && host.endsWith(']')) return host.slice(1, -1);
  return isAscii(host) ? host : domainToASCII(host) || host;
}

/** A regular expression costs several times as much as the few characters of a host. */
function isAscii(host: string): boolean {
  for (let i = 0; i < host.length; i++) if (host.charCodeAt(i) > 0x7f) return false;
  return true;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** Whether a host is an address, so that there is nothing to look up: `isIP`, at a fraction of its cost for names and IPv4. */
export function isAddress(host: string): boolean {
  let dots = 0;
  let digits = 0;
  let octet = 0;
  for (let i = 0; i < host.length; i++) {
    const char = host.charCodeAt(i);
    const digit = char - ZERO;
    if (char === DOT && digits > 0) {
      dots++;
      digits = 0;
      octet = 0;
    } else if (digit >= 0 && digit <= 9 && (digits === 0 || octet > 0)) {
      digits++;
      octet = octet * 10 + digit;
      if (octet > 255) return isIP(host) !== 0;
    } else return host.includes(':') && isIP(host) !== 0;
  }
  return dots === 3 && digits > 0;
}

/** `host:port` in Go's form, with IPv6 in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
