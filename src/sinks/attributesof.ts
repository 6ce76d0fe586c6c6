import type { Socket } from 'node:net';
import type { Attributes } from '@opentelemetry/api';
import type { DnsDoneInfo, DnsStartInfo, GotConnInfo, Network, TlsState } from '../clienttrace';
import * as names from '../names';
import type { Exchange } from '../tracing';

// Constants: as properties of a module with getters they would be looked up for every request.
const {
  ATTR_HTTP_CONN_ID,
  ATTR_HTTP_CONN_IDLE_TIME,
  ATTR_HTTP_CONN_REQUEST_COUNT,
  ATTR_HTTP_CONN_REUSED,
  ATTR_HTTP_CONN_WAIT_TIME,
  ATTR_HTTP_CONN_WASIDLE,
} = names;

/** Of a connection that a request was given. @param waited - milliseconds, if it waited for a connection without dialling */
export function connection(info: GotConnInfo, exchange: Exchange, waited: number | undefined): Attributes {
  const attributes: Attributes = {
    [ATTR_HTTP_CONN_REUSED]: info.reused,
    [ATTR_HTTP_CONN_WASIDLE]: info.wasIdle,
  };
  const { connection } = exchange;
  if (info.idleTime > 0) attributes[ATTR_HTTP_CONN_IDLE_TIME] = info.idleTime / 1000;
  if (waited !== undefined) attributes[ATTR_HTTP_CONN_WAIT_TIME] = waited / 1000;
  if (connection !== undefined) attributes[ATTR_HTTP_CONN_ID] = connection.id;
  if (connection?.counted) attributes[ATTR_HTTP_CONN_REQUEST_COUNT] = connection.requestCount;
  return attributes;
}

/** Of the way to the first hop: whom we wanted, and whom we got. */
export function endpoints(exchange: Exchange, socket: Socket | undefined): Attributes {
  const attributes: Attributes = {
    [names.ATTR_SERVER_ADDRESS]: exchange.host,
    [names.ATTR_SERVER_PORT]: exchange.port,
  };
  if (socket?.remoteAddress === undefined) return attributes;
  attributes[names.ATTR_NETWORK_PEER_ADDRESS] = socket.remoteAddress;
  if (socket.remotePort !== undefined) attributes[names.ATTR_NETWORK_PEER_PORT] = socket.remotePort;
  if (socket.localAddress !== undefined) attributes[names.ATTR_NETWORK_LOCAL_ADDRESS] = socket.localAddress;
  if (socket.localPort !== undefined) attributes[names.ATTR_NETWORK_LOCAL_PORT] = socket.localPort;
  attributes[names.ATTR_NETWORK_TRANSPORT] = 'tcp';
  attributes[names.ATTR_NETWORK_TYPE] = socket.remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4';
  return attributes;
}

/** Of a connection attempt to `addr`, in the form of {@link ClientTrace.connectStart}. */
export function peer(network: Network, addr: string): Attributes {
  if (network === 'unix')
    return { [names.ATTR_NETWORK_TRANSPORT]: 'unix', [names.ATTR_NETWORK_PEER_ADDRESS]: addr };
  const colon = addr.lastIndexOf(':');
  const isV6 = addr.startsWith('[');
  return {
    [names.ATTR_NETWORK_TRANSPORT]: 'tcp',
    [names.ATTR_NETWORK_TYPE]: isV6 ? 'ipv6' : 'ipv4',
    [names.ATTR_NETWORK_PEER_ADDRESS]: isV6 ? addr.slice(1, colon - 1) : addr.slice(0, colon),
    [names.ATTR_NETWORK_PEER_PORT]: Number(addr.slice(colon + 1)),
  };
}

export function question(info: DnsStartInfo): Attributes {
  return { [names.ATTR_DNS_QUESTION_NAME]: info.host };
}

export function answers(info: DnsDoneInfo): Attributes {
  const coalesced = { [names.ATTR_HTTP_DNS_COALESCED]: info.coalesced };
  if (info.err !== undefined) return coalesced;
  return { [names.ATTR_DNS_ANSWERS]: info.addrs.map(({ address }) => address), ...coalesced };
}

/** Node's `'TLSv1.3'` is protocol `tls`, version `1.3` in the semantic conventions. */
export function tls(state: TlsState): Attributes {
  const [, name, version] = /^(TLS|SSL)v(.*)$/.exec(state.protocol) ?? [];
  const attributes: Attributes = { [names.ATTR_TLS_RESUMED]: state.resumed };
  if (name !== undefined) attributes[names.ATTR_TLS_PROTOCOL_NAME] = name.toLowerCase();
  if (version !== undefined) attributes[names.ATTR_TLS_PROTOCOL_VERSION] = version;
  if (state.cipher) attributes[names.ATTR_TLS_CIPHER] = state.cipher;
  if (state.alpnProtocol) attributes[names.ATTR_TLS_NEXT_PROTOCOL] = state.alpnProtocol;
  return attributes;
}

/** `error.type`: Node's error code where there is one, else the name of the class. */
export function errorType(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && code !== '') return code;
  // What an AbortSignal aborts with: an AbortError or a TimeoutError, of one class.
  if (error instanceof DOMException) return error.name;
  return error.constructor?.name || error.name || 'Error';
}
