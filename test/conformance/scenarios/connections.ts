import type { Scenario } from '../scenarios';
import { NEW, NEW_CLOSED, NEW_NAMED, NEW_TLS, REUSED } from './orders';

/** How a connection is obtained, and what becomes of it. */
export const CONNECTIONS = {
  get_new_conn: {
    theme: 'new-and-reused',
    claim: 'a new connection to an IP address shows no lookup, one attempt, and then the request',
    go: [NEW],
    args: 'Node adds Host and Connection to the head, and neither User-Agent nor Accept-Encoding.',
  },
  get_ipv6_literal: {
    theme: 'new-and-reused',
    claim: 'an IPv6 address is told in brackets',
    go: [NEW],
  },
  keepalive_reused: {
    theme: 'new-and-reused',
    claim: 'a reused connection shows no dial',
    go: [NEW, REUSED],
  },
  idle_200ms_then_reuse: {
    theme: 'new-and-reused',
    claim: 'a reused connection tells how long it was idle',
    go: [NEW, REUSED],
  },
  redirect: {
    theme: 'new-and-reused',
    claim: 'a redirect that the application follows is a round trip of its own, seen by the same trace',
    go: ['GC CS CD GO HF WH WR FB PI GC GO HF WH WR FB response PI end'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT GC GO HF WH WR FB response end PI RT'],
    why: 'Node follows no redirects: the application sees the first response and makes the second request itself.',
  },
  disable_keepalives: {
    theme: 'pool',
    claim: 'an agent without keep-alive puts nothing into a pool, and says so in the head',
    go: [NEW_CLOSED, NEW_CLOSED],
  },
  max_idle_per_host_negative: {
    theme: 'pool',
    claim: 'a negative limit refuses every connection',
    go: [NEW_CLOSED],
    node: ['GC CS CD GO HF WH WR FB response end PI!too many idle connections for host RT'],
    why: 'In Go a negative limit means keep-alive is off, which is not told; for Node it is a limit like any other, and keep-alive is on.',
  },
  server_connection_close: {
    theme: 'pool',
    claim: 'the server closes: nothing is put into the pool, the next request dials',
    go: [NEW_CLOSED, NEW_CLOSED],
  },
  request_connection_close: {
    theme: 'pool',
    claim: 'the client closes: nothing is put into the pool',
    go: [NEW_CLOSED],
    args: 'The field Connection stands where the application has put it.',
  },
  max_idle_per_host_1_two_parallel: {
    theme: 'pool',
    claim: 'the second of two connections finds the pool full',
    go: [NEW, 'GC CS CD GO HF WH WR FB response PI!too_many_idle end'],
    node: [
      'GC CS CD GO HF WH WR FB response end PI RT',
      'GC CS CD GO HF WH WR FB response end PI!too many idle connections for host RT',
    ],
  },
  max_conns_per_host_1_queue: {
    theme: 'queue',
    claim: 'a queued request is handed the connection of the one before: reused, but never idle',
    go: [NEW, REUSED],
  },
  late_binding_idle_conn_wins: {
    theme: 'queue',
    claim: 'a request keeps the connection it dials, even if another one becomes free before',
    go: [NEW_NAMED, 'GC DS GO HF WH WR FB response DD CS CD PI end', REUSED],
    node: [
      'GC DS DD CS CD GO HF WH WR FB response end PI RT',
      'GC DS DD CS CD GO HF WH WR FB response end PI RT',
      'GC GO HF WH WR FB response end PI RT',
    ],
    why: 'Node binds a request to the connection it dials for it: there is no late binding, and no dial in the background.',
  },
  late_binding_dial_fails_later: {
    theme: 'queue',
    claim: 'a request fails with the dial made for it, even if a connection became free before',
    go: [NEW_NAMED, 'GC DS GO HF WH WR FB response PI end DD CS CD!refused'],
    node: [
      'GC DS DD CS CD GO HF WH WR FB response end PI RT',
      'GC DS DD CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED',
    ],
    why: 'Node binds a request to the connection it dials for it: when that fails, so does the request.',
  },
  https_new: {
    theme: 'tls',
    claim: 'https shows its handshake between the connect and the connection',
    go: [NEW_TLS],
  },
  https_reused: {
    theme: 'tls',
    claim: 'a reused https connection shows no handshake',
    go: [NEW_TLS, REUSED],
  },
  h2_offered_h1_chosen: {
    theme: 'tls',
    claim: 'what ALPN has chosen is told',
    go: [NEW_TLS],
  },
  localhost_name: {
    theme: 'dns',
    claim: 'localhost is looked up like any other name',
    go: [NEW_NAMED],
  },
  dns_one_address: {
    theme: 'dns',
    claim: 'a name with one address shows its lookup, for as long as it takes',
    go: [NEW_NAMED],
  },
  dns_idn_host: {
    theme: 'dns',
    claim: 'an international name is told in its ASCII form',
    go: [NEW_NAMED],
  },
  dns_coalesced: {
    theme: 'dns',
    claim: 'two lookups at once are two lookups',
    go: [NEW_NAMED, NEW_NAMED],
    args: 'Lookups of Node share nothing, so coalesced is false; with the option coalesceLookups they share, as in Go.',
  },
  happy_eyeballs_v6_refuses: {
    theme: 'connect',
    claim: 'the family that refuses is followed at once by the one that answers',
    go: ['GC DS DD CS CD!refused CS CD GO HF WH WR FB response PI end'],
    node: ['GC DS DD CS CD!ECONNREFUSED CS CD GO HF WH WR FB response end PI RT'],
  },
  unix_socket: {
    theme: 'connect',
    claim: 'a Unix socket is told by its path, and looks nothing up',
    go: [NEW],
  },
  custom_dialer_without_ctx: {
    theme: 'connect',
    claim: 'a connection that was made elsewhere shows no dial',
    go: [REUSED],
  },
  proxy_plain_http: {
    theme: 'proxy',
    claim: 'through a proxy the first hop is the proxy, and the Host header the target',
    go: [NEW],
  },
  proxy_connect_https: {
    theme: 'proxy',
    claim: 'through a tunnel the dial is that of the proxy, the handshake that of the target',
    go: [NEW_TLS, REUSED],
    args: 'The first hop of an agent that does not say it has a proxy cannot be known before it dials: getConn names the target.',
  },
  proxy_refused: {
    theme: 'proxy',
    claim: 'a proxy that refuses fails the request',
    go: ['GC CS CD!refused error!refused'],
    node: ['GC CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED'],
  },
} as const satisfies Record<string, Scenario>;
