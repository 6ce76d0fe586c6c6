// The public names, in the order in which one learns them.

export type {
  ClientTrace,
  DnsAddress,
  DnsDoneInfo,
  DnsStartInfo,
  GotConnInfo,
  Network,
  TlsState,
  WroteRequestInfo,
} from './clienttrace';
export type { HttpTraceInstrumentationConfig, Mode } from './config';
export { contextClientTrace, withClientTrace } from './context';
export { HttpTraceInstrumentation } from './instrumentation';
export {
  ATTR_DNS_ANSWERS,
  ATTR_DNS_QUESTION_NAME,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_CONN_ID,
  ATTR_HTTP_CONN_IDLE_TIME,
  ATTR_HTTP_CONN_REQUEST_COUNT,
  ATTR_HTTP_CONN_REUSED,
  ATTR_HTTP_CONN_WAIT_TIME,
  ATTR_HTTP_CONN_WASIDLE,
  ATTR_HTTP_DNS_COALESCED,
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
  ATTR_TLS_CIPHER,
  ATTR_TLS_NEXT_PROTOCOL,
  ATTR_TLS_PROTOCOL_NAME,
  ATTR_TLS_PROTOCOL_VERSION,
  ATTR_TLS_RESUMED,
  DONE,
  DURATION,
  EVENT_GOT_1XX,
  EVENT_GOT_100_CONTINUE,
  EVENT_PUT_IDLE_CONN,
  EVENT_WAIT_100_CONTINUE,
  EVENT_WROTE_HEADERS,
  SPAN_CONNECT,
  SPAN_DNS,
  SPAN_GETCONN,
  SPAN_RECEIVE,
  SPAN_SEND,
  SPAN_TLS,
  SPAN_WAIT,
  START,
} from './names';
export { HttpTraceSpanProcessor, type InnerSpanProcessor } from './processor';
export type { RequestInfo, Transport } from './tracing';
