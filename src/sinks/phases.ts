import type { IncomingHttpHeaders } from 'node:http';
import type { Attributes } from '@opentelemetry/api';
import type {
  DnsDoneInfo,
  DnsStartInfo,
  GotConnInfo,
  Network,
  TlsState,
  WroteRequestInfo,
} from '../clienttrace';
import { now } from '../clock';
import * as names from '../names';
import { bodyEnd, type Exchange, type SinkTrace } from '../tracing';
import * as describe from './attributesof';
import { beginWithDial, type Mark, type Phase, type PhaseWriter } from './phase';

/** Told a header field and its values. */
export type HeaderRecorder = (key: string, values: readonly string[]) => void;

/** Turns the seventeen hooks of one request into at most seven kinds of phases. */
export class PhaseTrace implements SinkTrace {
  readonly wroteHeaderField?: HeaderRecorder;
  readonly #exchange: Exchange;
  readonly #writer: PhaseWriter;
  readonly #minDuration: number;
  #getConn: Phase | undefined;
  #dns: Phase | undefined;
  #connect: Phase | undefined;
  #tls: Phase | undefined;
  #send: Phase | undefined;
  #wait: Phase | undefined;
  #receive: Phase | undefined;
  #dialled = false;
  #responding = false;
  #latest: Phase | undefined;

  /**
   * @param minDuration - milliseconds; shorter phases are not written
   * @param recordHeader - told every header field that was written; without it none is looked at
   */
  constructor(exchange: Exchange, writer: PhaseWriter, minDuration = 0, recordHeader?: HeaderRecorder) {
    this.#exchange = exchange;
    this.#writer = writer;
    this.#minDuration = minDuration;
    if (recordHeader !== undefined) this.wroteHeaderField = recordHeader;
  }

  getConn(): void {
    this.#getConn = this.#open(names.SPAN_GETCONN);
  }

  dnsStart(info: DnsStartInfo): void {
    this.#dns = this.#openDial(names.SPAN_DNS, describe.question(info));
  }

  dnsDone(info: DnsDoneInfo): void {
    this.#dns = this.#closeDial(this.#dns, describe.answers(info), info.err);
  }

  connectStart(network: Network, addr: string): void {
    this.#connect = this.#openDial(names.SPAN_CONNECT, describe.peer(network, addr));
  }

  connectDone(_network: Network, _addr: string, err?: Error): void {
    this.#connect = this.#closeDial(this.#connect, undefined, err);
  }

  tlsHandshakeStart(): void {
    this.#tls = this.#openDial(names.SPAN_TLS, {});
  }

  tlsHandshakeDone(state: TlsState | undefined, err?: Error): void {
    this.#tls = this.#closeDial(this.#tls, state && describe.tls(state), err);
  }

  gotConn(info: GotConnInfo): void {
    const getConn = this.#getConn;
    this.#getConn = undefined;
    if (getConn === undefined) return;
    getConn.end = now();
    // Neither dialled nor waited for: it was at hand, and a span would say nothing.
    const atHand = info.wasIdle && !this.#dialled;
    const waited = !atHand && !this.#dialled;
    const facts = describe.connection(info, this.#exchange, waited ? getConn.end - getConn.start : undefined);
    this.#writer.connected(this.#exchange, facts);
    if (!atHand) {
      getConn.attributes = { ...facts, ...describe.endpoints(this.#exchange, info.socket) };
      for (const attempt of getConn.children) if (attempt.error) attempt.recovered = true;
      this.#write(getConn);
    }
    this.#send = this.#open(names.SPAN_SEND);
  }

  wroteHeaders(): void {
    this.#mark(names.EVENT_WROTE_HEADERS);
  }

  wait100Continue(): void {
    this.#mark(names.EVENT_WAIT_100_CONTINUE);
  }

  wroteRequest({ err }: WroteRequestInfo): void {
    const send = this.#send;
    this.#send = undefined;
    if (send === undefined) return;
    this.#close(send, err, this.#exchange.hasBody || err !== undefined);
    // The server may answer before it has read everything: then there is no wait.
    if (err === undefined && !this.#responding) this.#wait = this.#open(names.SPAN_WAIT);
  }

  gotFirstResponseByte(): void {
    this.#responding = true;
    if (this.#wait !== undefined) this.#close(this.#wait);
    this.#wait = undefined;
    this.#receive = this.#open(names.SPAN_RECEIVE);
  }

  got100Continue(): void {
    this.#mark(names.EVENT_GOT_100_CONTINUE);
  }

  got1xxResponse(statusCode: number, _headers: IncomingHttpHeaders): void {
    this.#mark(names.EVENT_GOT_1XX, { [names.ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode });
  }

  [bodyEnd](): void {
    if (this.#receive !== undefined) this.#close(this.#receive);
    this.#receive = undefined;
  }

  putIdleConn(err?: Error): void {
    this.#mark(names.EVENT_PUT_IDLE_CONN, err && { reason: err.message });
  }

  roundTripDone(err?: Error): void {
    for (const dialling of [this.#dns, this.#connect, this.#tls]) this.#closeDial(dialling, undefined, err);
    if (this.#getConn !== undefined && err !== undefined) {
      this.#getConn.attributes = describe.endpoints(this.#exchange, undefined);
      this.#close(this.#getConn, err);
    }
    if (this.#send !== undefined) this.#close(this.#send, err, err !== undefined);
    if (this.#wait !== undefined) this.#close(this.#wait, err);
    if (this.#receive !== undefined) this.#close(this.#receive, err);
    this.#writer.done(err);
  }

  #open(name: names.SpanName, attributes: Attributes = {}): Phase {
    const phase: Phase = { name, start: now(), end: Number.NaN, attributes, marks: [], children: [] };
    this.#latest = phase;
    return phase;
  }

  #close(phase: Phase, err?: Error, isWritten = true): void {
    phase.end = now();
    if (err !== undefined) phase.error = err;
    if (isWritten) this.#write(phase);
  }

  #openDial(name: names.SpanName, attributes: Attributes): Phase {
    this.#dialled = true;
    const phase = this.#open(name, attributes);
    this.#getConn?.children.push(phase);
    return phase;
  }

  #closeDial(
    phase: Phase | undefined,
    attributes: Attributes | undefined,
    err: Error | undefined,
  ): undefined {
    if (phase === undefined) return;
    Object.assign(phase.attributes, attributes);
    // Without an open http.getconn this dial serves another request: it is written by itself.
    this.#close(phase, err, this.#getConn === undefined);
  }

  #write(phase: Phase): void {
    if (phase.name === names.SPAN_GETCONN) beginWithDial(phase, this.#writer);
    phase.children = phase.children.filter((child) => this.#isLongEnough(child));
    if (this.#isLongEnough(phase)) this.#writer.phase(phase);
  }

  #isLongEnough(phase: Phase): boolean {
    return phase.error !== undefined || phase.end - phase.start >= this.#minDuration;
  }

  #mark(name: string, attributes: Attributes = {}): void {
    const mark: Mark = { name, time: now(), attributes };
    this.#writer.mark(mark, this.#send ?? this.#wait ?? this.#receive ?? this.#latest);
  }
}
