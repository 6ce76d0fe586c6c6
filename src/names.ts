/** Every span, event, attribute and metric name this package writes, in one place. The README's table is checked against this file. */

import * as registered from '@opentelemetry/semantic-conventions';

// Spans, and the stems of the events and attributes of the other modes.
export const SPAN_GETCONN = 'http.getconn';
export const SPAN_DNS = 'http.dns';
export const SPAN_CONNECT = 'http.connect';
export const SPAN_TLS = 'http.tls';
export const SPAN_SEND = 'http.send';
export const SPAN_WAIT = 'http.wait';
export const SPAN_RECEIVE = 'http.receive';

export type SpanName =
  | typeof SPAN_GETCONN
  | typeof SPAN_DNS
  | typeof SPAN_CONNECT
  | typeof SPAN_TLS
  | typeof SPAN_SEND
  | typeof SPAN_WAIT
  | typeof SPAN_RECEIVE;

// Moments: events of the phase span they fall in.
export const EVENT_WROTE_HEADERS = 'http.wrote_headers';
export const EVENT_WAIT_100_CONTINUE = 'http.wait_100_continue';
export const EVENT_GOT_100_CONTINUE = 'http.got_100_continue';
export const EVENT_GOT_1XX = 'http.got_1xx';
export const EVENT_PUT_IDLE_CONN = 'http.put_idle_conn';

// The connection, on the request's span and on http.getconn. The first two are those of Go's otelhttptrace.
export const ATTR_HTTP_CONN_REUSED = 'http.conn.reused';
export const ATTR_HTTP_CONN_WASIDLE = 'http.conn.wasidle';
export const ATTR_HTTP_CONN_IDLE_TIME = 'http.conn.idle_time';
export const ATTR_HTTP_CONN_WAIT_TIME = 'http.conn.wait_time';
export const ATTR_HTTP_CONN_ID = 'http.conn.id';
export const ATTR_HTTP_CONN_REQUEST_COUNT = 'http.conn.request_count';

// http.dns, beside the registered ones.
export const ATTR_HTTP_DNS_COALESCED = 'http.dns.coalesced';

// Metrics. The first three are registered, and in development; the fourth is what .NET calls it; the last is our own.
export const METRIC_HTTP_CLIENT_OPEN_CONNECTIONS = 'http.client.open_connections';
export const METRIC_HTTP_CLIENT_CONNECTION_DURATION = 'http.client.connection.duration';
export const METRIC_DNS_LOOKUP_DURATION = 'dns.lookup.duration';
export const METRIC_HTTP_CLIENT_REQUEST_TIME_IN_QUEUE = 'http.client.request.time_in_queue';
export const METRIC_HTTP_CLIENT_CONNECTION_SETUP_DURATION = 'http.client.connection.setup.duration';

// Attributes of metrics, beside those that they share with spans.
export const ATTR_HTTP_CONNECTION_STATE = 'http.connection.state';
export const ATTR_PHASE = 'phase';

// Registered semantic conventions that are still in development: copied, as OpenTelemetry asks of instrumentations, because their entry point may change.
export const ATTR_DNS_QUESTION_NAME = 'dns.question.name';
export const ATTR_DNS_ANSWERS = 'dns.answers';
export const ATTR_TLS_PROTOCOL_NAME = 'tls.protocol.name';
export const ATTR_TLS_PROTOCOL_VERSION = 'tls.protocol.version';
export const ATTR_TLS_CIPHER = 'tls.cipher';
export const ATTR_TLS_RESUMED = 'tls.resumed';
export const ATTR_TLS_NEXT_PROTOCOL = 'tls.next_protocol';

// Registered and stable. As constants: to export them again would make getters of them.
export const {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_HEADER,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} = registered;

/** Suffix of the attribute that holds a phase's duration in seconds, in mode `attributes`. */
export const DURATION = '.duration';
/** Suffixes of the two events of a phase, in mode `events`. */
export const START = '.start';
export const DONE = '.done';
