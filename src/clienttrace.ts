import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The connection a request was given.
 *
 * Follows Go's `httptrace.GotConnInfo`; `idleTime` is in milliseconds.
 */
export interface GotConnInfo {
  /** The connection itself, connected and (for https) secured: a `net.Socket` or `tls.TLSSocket`. Do not read from it or write to it. */
  readonly socket: Socket;
  /** True when the connection has carried a request before this one. */
  readonly reused: boolean;
  /** True when the connection lay idle in the agent's pool (HTTP/2: no stream was open); false for a new one and for one handed over by a request that had just finished. */
  readonly wasIdle: boolean;
  /** How long it had been idle, in milliseconds; 0 unless `wasIdle`, and 0 when it went idle before the instrumentation was enabled. */
  readonly idleTime: number;
}

/** A name resolution that begins. Follows Go's `httptrace.DNSStartInfo`. */
export interface DnsStartInfo {
  /** The name to resolve, in its ASCII (punycode) form, without a port. */
  readonly host: string;
}

/** One address of a DNS answer. */
export interface DnsAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** A name resolution that has ended. Follows Go's `httptrace.DNSDoneInfo`. */
export interface DnsDoneInfo {
  /** The addresses in the order in which Node will try them; empty when the lookup failed. */
  readonly addrs: readonly DnsAddress[];
  /** Why the lookup failed, e.g. an error whose `code` is `ENOTFOUND`. */
  readonly err?: Error;
  /**
   * True when the answer, or error, was shared with a concurrent lookup of the name, as in Go for all that share it: with the option `coalesceLookups`, or by a `lookup` function of
   * yours. Of that, who asked is told false if the others are answered in a later tick than itself. Never for plain `dns.lookup`, or an answer from a cache. */
  readonly coalesced: boolean;
}

/** What a finished TLS handshake agreed on. The part of Go's `tls.ConnectionState` that Node tells cheaply. */
export interface TlsState {
  /** As `tlsSocket.getProtocol()` says it: `'TLSv1.3'`, `'TLSv1.2'`. */
  readonly protocol: string;
  /** The cipher suite by its IANA name: `'TLS_AES_256_GCM_SHA384'`. */
  readonly cipher: string;
  /** The protocol chosen by ALPN, `'http/1.1'` or `'h2'`; `''` when none was negotiated. */
  readonly alpnProtocol: string;
  /** True when an earlier TLS session was resumed. */
  readonly resumed: boolean;
  /** The name sent by SNI; `''` when none was sent (a server named by its IP address). */
  readonly servername: string;
  /** True when the certificate was verified; false is seen only with `rejectUnauthorized: false`. */
  readonly authorized: boolean;
}

/** The request has been written, or writing it has failed. Follows Go's `httptrace.WroteRequestInfo`. */
export interface WroteRequestInfo {
  readonly err?: Error;
}

/** The network of a connection attempt: Go's words. */
export type Network = 'tcp' | 'unix';

/**
 * Hooks that run at the stages of one outgoing HTTP request. All are optional.
 *
 * Follows Go's [`httptrace.ClientTrace`](https://pkg.go.dev/net/http/httptrace#ClientTrace), whose sixteen hooks have
 * the same names here, and adds {@link ClientTrace.roundTripDone}. Hooks are called synchronously, as methods of the trace object, when
 * Node tells what they report; a slow hook slows the request. One trace sees one request at a time: a
 * redirect that a client follows is a new request and runs through all hooks again.
 *
 * What a hook throws never reaches the application. It is reported to OpenTelemetry's `diag`, once per hook, and the other hooks still run.
 * A request that a hook makes is not traced; one that it has made later, in its asynchronous context, is.
 *
 * Every `…Start` is followed by exactly one `…Done`, with an error if the request failed in between, and no hook is called after `roundTripDone`.
 *
 * @example
 * ```ts
 * const trace: ClientTrace = {
 *   gotConn: (info) => console.log('Got Conn', info.reused, info.wasIdle, info.idleTime),
 *   dnsDone: (info) => console.log('DNS Info', info.addrs, info.coalesced),
 * };
 * context.with(withClientTrace(context.active(), trace), () => https.get('https://example.com'));
 * ```
 */
export interface ClientTrace {
  /**
   * A connection is wanted: the first hook of every request, called before the agent's pool is searched, even if an idle connection is at hand. For HTTP/2 it is
   * called when `session.request()` is; what the first stream of a session is then told of its dial may be older.
   *
   * As in Go the first hop is the proxy, if there is one. Node does not tell; agents do: by `agent.proxy`, a URL or host and port (https-proxy-agent, http-proxy-agent,
   * socks-proxy-agent), by `agent.proxyOptions` (tunnel), Node's own by `proxyEnv`. Of one that keeps it to itself (global-agent) it is the target; `dnsStart`, `connectStart` name the proxy.
   *
   * @param hostPort - the first hop as `host:port`: default port filled in, IPv6 in brackets, names in ASCII
   */
  getConn?(hostPort: string): void;

  /**
   * A connection that can be used was obtained: connected and, for https, secured. At most once; not called when that fails.
   * Node's own `'socket'` event comes earlier, before a new socket is connected. In HTTP/2 a stream has its connection when it has a number.
   */
  gotConn?(info: GotConnInfo): void;

  /**
   * The connection was offered back to the agent's pool after the response's body was read to its end. Without `err` it is idle now, or went
   * straight to a waiting request; `err` says why the pool refused a connection that could have been kept, which is policy and no failure of the request.
   * As in Go, not called when keep-alive is off, when the server said `Connection: close`, after a failure, and for HTTP/2. When only the request
   * said it, Node keeps the connection all the same, and it is called.
   */
  putIdleConn?(err?: Error): void;

  /** The first byte of the response arrived: of the first head, so a 1xx counts. At most once; also for a response that turns out to be garbage. */
  gotFirstResponseByte?(): void;

  /** The server answered `100 Continue` to a request that asked for it with `Expect: 100-continue`. At most once. */
  got100Continue?(): void;

  /**
   * An informational response arrived; called for each 1xx except `101 Switching Protocols`, which is a final response.
   * Returning an `Error` aborts the request with it. Of several traces the newest that returns an error decides.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook may return nothing, and most do
  got1xxResponse?(statusCode: number, headers: IncomingHttpHeaders): Error | void;

  /** The lookup of a host name begins. Not called for IP addresses and Unix sockets; called for `localhost` and other names of the hosts file. */
  dnsStart?(info: DnsStartInfo): void;

  /** The lookup has ended. */
  dnsDone?(info: DnsDoneInfo): void;

  /**
   * A connection attempt begins; once per address tried, one after the other.
   * @param addr - `ip:port` with IPv6 in brackets for `'tcp'`, the path for `'unix'`
   */
  connectStart?(network: Network, addr: string): void;

  /** A connection attempt has ended. An error here need not fail the request: Node goes on to the next address. */
  connectDone?(network: Network, addr: string, err?: Error): void;

  /**
   * The TLS handshake begins, after the connection is made and, through a proxy, after `CONNECT`, which has no hooks of its own.
   * With a proxy that speaks TLS itself there are two handshakes, first the proxy's.
   */
  tlsHandshakeStart?(): void;

  /** The TLS handshake has ended; `state` is undefined when it failed. An untrusted certificate is a failure here. */
  tlsHandshakeDone?(state: TlsState | undefined, err?: Error): void;

  /**
   * A header field was written; once per name with all its values, in the order and spelling of the wire, values as sent.
   * For HTTP/2, as in Go, once per value: pseudo header fields (`:method`) first, names in lower case. Mind that credentials are among them.
   */
  wroteHeaderField?(key: string, values: readonly string[]): void;

  /** All header fields have been handed to the connection. */
  wroteHeaders?(): void;

  /** The request carries `Expect: 100-continue` and a body; the body may wait for the server's word. */
  wait100Continue?(): void;

  /**
   * The request and its body were written, or writing them failed. At most once, and once for every `gotConn`.
   * Unlike Go, which calls it when the bytes are in its buffer, it is called when the kernel has accepted them.
   */
  wroteRequest?(info: WroteRequestInfo): void;

  /**
   * The request is over: the body was read to its end or given up, the connection went where it goes, or the request failed with `err`, the error that
   * the application sees. Exactly once, and last. Go has no such hook: there the caller knows from `RoundTrip` and `Body.Close`.
   */
  roundTripDone?(err?: Error): void;
}

/** The name of a hook. */
export type HookName = keyof ClientTrace;
