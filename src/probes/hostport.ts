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
  return isAscii(host) ? host : domainToASCII(host) || host;
}

/** A regular expression costs several times as much as the few characters of a host. */
function isAscii(host: string): boolean {
  for (let i = 0; i < host.length; i++) if (host.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether a host is an address, so that there is nothing to look up: `isIP`, at a fraction of its cost. */
export function isAddress(host: string): boolean {
  if (host !== latestName) {
    isLatestAddress = isIP(host) !== 0;
    latestName = host;
  }
  return isLatestAddress;
}

let latestName = '';
let isLatestAddress = false;

/** `host:port` in Go's form, with IPv6 in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The same, of a kind of place that usually is the same as the last time: whoever takes the text apart sees that at once. */
export function lastHostPort(): typeof hostPort {
  let latestHost: string | undefined;
  let latestPort = 0;
  let latest = '';
  return (host, port) => {
    if (host !== latestHost || port !== latestPort) {
      latest = hostPort(host, port);
      latestHost = host;
      latestPort = port;
    }
    return latest;
  };
}
