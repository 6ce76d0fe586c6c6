import type { Socket } from 'node:net';
import type { Attributes } from '@opentelemetry/api';
import type { GotConnInfo, Network } from '../clienttrace';
import type * as names from '../names';
import {
  ATTR_HTTP_CONN_IDLE_TIME,
  ATTR_HTTP_CONN_WAIT_TIME,
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../names';
import type { Exchange } from '../tracing';
import { connection, type Described } from './attributesof';

/** Of the way to the first hop: whom we wanted, and whom we got. */
export function endpoints(
  to: Described,
  exchange: Pick<Exchange, 'host' | 'port'>,
  socket: Socket | undefined,
): void {
  to.setAttribute(ATTR_SERVER_ADDRESS, exchange.host);
  to.setAttribute(ATTR_SERVER_PORT, exchange.port);
  if (socket?.remoteAddress === undefined) return;
  to.setAttribute(ATTR_NETWORK_PEER_ADDRESS, socket.remoteAddress);
  if (socket.remotePort !== undefined) to.setAttribute(ATTR_NETWORK_PEER_PORT, socket.remotePort);
  if (socket.localAddress !== undefined) to.setAttribute(ATTR_NETWORK_LOCAL_ADDRESS, socket.localAddress);
  if (socket.localPort !== undefined) to.setAttribute(ATTR_NETWORK_LOCAL_PORT, socket.localPort);
  to.setAttribute(ATTR_NETWORK_TRANSPORT, 'tcp');
  to.setAttribute(ATTR_NETWORK_TYPE, socket.remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4');
}

/** {@link connection} and {@link endpoints} of a phase in which a connection was obtained, and of which nothing else is known yet. */
export function obtained(
  phase: Described & { attributes: Attributes | undefined },
  info: GotConnInfo,
  exchange: Pick<Exchange, 'connection' | 'host' | 'port'>,
  waited: number | undefined,
): void {
  phase.attributes = ofTcp(info, exchange, waited);
  if (phase.attributes !== undefined) return;
  connection(phase, info, exchange, waited);
  endpoints(phase, exchange, info.socket);
}

/** The same for most connections; undefined if they are of another kind. */
function ofTcp(
  info: GotConnInfo,
  exchange: Pick<Exchange, 'connection' | 'host' | 'port'>,
  waited: number | undefined,
): Attributes | undefined {
  const { socket, idleTime } = info;
  const { connection } = exchange;
  const { remoteAddress, remotePort } = socket;
  if (connection?.counted !== true || remoteAddress === undefined || remotePort === undefined)
    return undefined;
  const { localAddress, localPort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  // An object literal, its keys written out: one by one V8 would take three hundred instructions for each. The compiler holds them to the names.
  const attributes: Obtained & Attributes = {
    'http.conn.reused': info.reused,
    'http.conn.wasidle': info.wasIdle,
    'http.conn.id': connection.id,
    'http.conn.request_count': connection.requestCount,
    'server.address': exchange.host,
    'server.port': exchange.port,
    'network.peer.address': remoteAddress,
    'network.peer.port': remotePort,
    'network.local.address': localAddress,
    'network.local.port': localPort,
    'network.transport': 'tcp',
    'network.type': socket.remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4',
  };
  if (idleTime > 0) attributes[ATTR_HTTP_CONN_IDLE_TIME] = idleTime / 1000;
  if (waited !== undefined) attributes[ATTR_HTTP_CONN_WAIT_TIME] = waited / 1000;
  return attributes;
}

/** Of a connection attempt to `addr`, in the form of {@link ClientTrace.connectStart}. */
export function peer(network: Network, addr: string): Attributes {
  if (network === 'unix') return { [ATTR_NETWORK_TRANSPORT]: 'unix', [ATTR_NETWORK_PEER_ADDRESS]: addr };
  // Usually it is the same as the last time.
  if (addr !== latestAddr) {
    const isV6 = addr.startsWith('[');
    const colon = addr.lastIndexOf(':');
    latestType = isV6 ? 'ipv6' : 'ipv4';
    latestAddress = isV6 ? addr.slice(1, colon - 1) : addr.slice(0, colon);
    latestPort = Number(addr.slice(colon + 1));
    latestAddr = addr;
  }
  const attributes: Peer & Attributes = {
    'network.transport': 'tcp',
    'network.type': latestType,
    'network.peer.address': latestAddress,
    'network.peer.port': latestPort,
  };
  return attributes;
}

let latestAddr = '';
let latestType: 'ipv4' | 'ipv6' = 'ipv4';
let latestAddress = '';
let latestPort = 0;

interface Peer {
  [names.ATTR_NETWORK_TRANSPORT]: 'tcp';
  [names.ATTR_NETWORK_TYPE]: 'ipv4' | 'ipv6';
  [names.ATTR_NETWORK_PEER_ADDRESS]: string;
  [names.ATTR_NETWORK_PEER_PORT]: number;
}

interface Obtained extends Peer {
  [names.ATTR_HTTP_CONN_REUSED]: boolean;
  [names.ATTR_HTTP_CONN_WASIDLE]: boolean;
  [names.ATTR_HTTP_CONN_ID]: number;
  [names.ATTR_HTTP_CONN_REQUEST_COUNT]: number;
  [names.ATTR_SERVER_ADDRESS]: string;
  [names.ATTR_SERVER_PORT]: number;
  [names.ATTR_NETWORK_LOCAL_ADDRESS]: string;
  [names.ATTR_NETWORK_LOCAL_PORT]: number;
}
