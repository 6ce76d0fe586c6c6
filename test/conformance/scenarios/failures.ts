import type { Scenario } from '../scenarios';
import { NEW } from './orders';

const NO_RETRY =
  'Node retries nothing: a request on a connection that turns out dead fails, and gotConn says that it was reused.';
const AT_ONCE =
  'Node gives a dial up together with its request, so that it ends at once and goes nowhere afterwards.';
const KEPT = 'GC CS CD GO HF WH WR FB response end PI RT';
const STALE = 'GC GO HF WH WR RT!ECONNRESET error!ECONNRESET';
const RETRIED = 'GC GO HF WH WR GC CS CD GO HF WH WR FB response PI end';

/** How a request fails. */
export const FAILURES = {
  stale_idle_detected: {
    theme: 'stale',
    claim: 'a connection that the server closed while it was idle is not reused',
    go: [NEW, NEW],
  },
  stale_idle_retry_get: {
    theme: 'stale',
    claim: 'a request on a connection that turns out dead fails',
    go: [NEW, RETRIED],
    node: [KEPT, STALE],
    why: NO_RETRY,
  },
  stale_idle_post_not_retried: {
    theme: 'stale',
    claim: 'so does one with a body',
    go: [NEW, 'GC GO HF WH WR error!eof'],
    node: [KEPT, STALE],
  },
  stale_idle_post_idempotency_key_retried: {
    theme: 'stale',
    claim: 'so does one with an idempotency key',
    go: [NEW, RETRIED],
    node: [KEPT, STALE],
    why: NO_RETRY,
  },
  stale_idle_two_retries: {
    theme: 'stale',
    claim: 'one dead connection is enough, whatever else the pool has',
    go: [NEW, NEW, 'GC GO HF WH WR GC GO HF WH WR GC CS CD GO HF WH WR FB response PI end'],
    node: [KEPT, KEPT, STALE],
    why: NO_RETRY,
  },
  server_closes_before_headers: {
    theme: 'broken',
    claim: 'a server that closes instead of answering shows no first byte',
    go: ['GC CS CD GO HF WH WR error!eof'],
    node: ['GC CS CD GO HF WH WR RT!ECONNRESET error!ECONNRESET'],
  },
  server_resets_before_headers: {
    theme: 'broken',
    claim: 'a server that resets instead of answering shows no first byte',
    go: ['GC CS CD GO HF WH WR error!reset'],
    node: ['GC CS CD GO HF WH WR RT!ECONNRESET error!ECONNRESET'],
  },
  post_body_read_error: {
    theme: 'upload',
    claim: 'a body that cannot be read to its end fails the write and the request',
    go: ['GC CS CD GO HF WH WR!boom error!boom'],
    node: ['GC CS CD GO HF WH WR!BOOM RT!BOOM error!BOOM'],
  },
  write_error_small_request: {
    theme: 'upload',
    claim: 'a failing write is told, however small the request',
    go: ['GC CS CD GO HF WH WR error!epipe'],
    node: ['GC CS CD GO HF WH WR!EPIPE RT!EPIPE error!EPIPE'],
    why: 'Go calls WroteRequest before it flushes; Node tells when the kernel has taken the bytes, or has not.',
  },
  tls_untrusted_cert: {
    theme: 'tls-failures',
    claim: 'an unknown authority fails the handshake',
    go: ['GC CS CD TS TD!unknown_authority error!unknown_authority'],
    node: [
      'GC CS CD TS TD!DEPTH_ZERO_SELF_SIGNED_CERT RT!DEPTH_ZERO_SELF_SIGNED_CERT error!DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
  },
  tls_wrong_hostname: {
    theme: 'tls-failures',
    claim: 'a certificate for another name fails the handshake',
    go: ['GC DS DD CS CD TS TD!hostname error!hostname'],
    node: [
      'GC DS DD CS CD TS TD!ERR_TLS_CERT_ALTNAME_INVALID RT!ERR_TLS_CERT_ALTNAME_INVALID error!ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    args: 'A failed handshake has no state at all; in Go it has an empty one.',
  },
  tls_handshake_timeout: {
    theme: 'tls-failures',
    claim: 'a server that never answers the hello is given up in the handshake',
    go: ['GC CS CD TS TD!timeout error!timeout'],
    node: ['GC CS CD TS TD!TIMEOUT RT!TIMEOUT error!TIMEOUT'],
    args: 'Node times no handshakes of clients: the error is the one that the application gives up with.',
  },
  connect_refused: {
    theme: 'connect',
    claim: 'a refused connection is no connection',
    go: ['GC CS CD!refused error!refused'],
    node: ['GC CS CD!ECONNREFUSED RT!ECONNREFUSED error!ECONNREFUSED'],
  },
  dial_timeout: {
    theme: 'connect',
    claim: 'a connect that hangs is given up with the request’s own timeout',
    go: ['GC CS CD!timeout error!timeout'],
    node: ['GC CS CD!TIMEOUT RT!TIMEOUT error!TIMEOUT'],
    args: 'Node times no dials: the error is the one that the application gives up with.',
  },
  dns_failure_nxdomain: {
    theme: 'dns',
    claim: 'a name that does not exist fails its lookup',
    go: ['GC DS DD!not_found error!not_found'],
    node: ['GC DS DD!ENOTFOUND RT!ENOTFOUND error!ENOTFOUND'],
  },
  ctx_already_cancelled: {
    theme: 'aborts',
    claim: 'a request that is aborted before it is made calls no hook',
    go: ['error!canceled'],
    node: ['error!ABORT_ERR'],
    why: 'Nothing has begun, so that nothing can end.',
  },
  invalid_header_value: {
    theme: 'aborts',
    claim: 'a request that cannot be made calls no hook',
    go: ['error!invalid'],
    node: ['error!ERR_INVALID_CHAR'],
    why: 'Nothing has begun, so that nothing can end.',
  },
  cancel_in_dns: {
    theme: 'aborts',
    claim: 'a request aborted in its lookup ends it',
    go: ['GC DS error!deadline DD CS CD'],
    node: ['GC DS DD!ABORT_ERR RT!ABORT_ERR error!ABORT_ERR'],
    why: AT_ONCE,
  },
  cancel_in_connect: {
    theme: 'aborts',
    claim: 'a request aborted while it connects ends the attempt',
    go: ['GC CS error!canceled CD!timeout'],
    node: ['GC CS CD!ABORT_ERR RT!ABORT_ERR error!ABORT_ERR'],
    why: AT_ONCE,
  },
  cancel_waiting_for_response: {
    theme: 'aborts',
    claim: 'a request aborted while it waits shows no first byte',
    go: ['GC CS CD GO HF WH WR error!canceled'],
    node: ['GC CS CD GO HF WH WR RT!ABORT_ERR error!ABORT_ERR'],
  },
  cancel_while_reading_body: {
    theme: 'aborts',
    claim: 'a request aborted while its body is read frees no connection',
    go: ['GC CS CD GO HF WH WR FB response bodyerror!canceled'],
    node: ['GC CS CD GO HF WH WR FB response RT!ABORT_ERR error!ABORT_ERR bodyerror!ECONNRESET'],
    why: 'Node reports the abort on the request, and then the broken body on the response.',
  },
  response_header_timeout: {
    theme: 'aborts',
    claim: 'a response that does not come in time fails the request',
    go: ['GC CS CD GO HF WH WR error!deadline'],
    node: ['GC CS CD GO HF WH WR RT!TIMEOUT error!TIMEOUT'],
    args: 'Node only tells that the time is up: the error is the one that the application gives up with.',
  },
} as const satisfies Record<string, Scenario>;
