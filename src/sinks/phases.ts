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
import { beginWithDial, type HeaderRecorder, Phase, type PhaseWriter } from './phase';

// Constants: as properties of a module with getters they would be looked up for every request.
const { SPAN_GETCONN, SPAN_SEND, SPAN_WAIT, SPAN_RECEIVE, EVENT_WROTE_HEADERS, EVENT_PUT_IDLE_CONN } = names;

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
    this.#getConn = this.#open(SPAN_GETCONN, now());
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
    this.#tls = this.#openDial(names.SPAN_TLS);
  }

  tlsHandshakeDone(state: TlsState | undefined, err?: Error): void {
    this.#tls = this.#closeDial(this.#tls, state && describe.tls(state), err);
  }

  gotConn(info: GotConnInfo): void {
    const getConn = this.#getConn;
    this.#getConn = undefined;
    if (getConn === undefined) return;
    const time = now();
    getConn.end = time;
    // Neither dialled nor waited for: it was at hand, and a span would say nothing.
    const atHand = info.wasIdle && !this.#dialled;
    const waited = !atHand && !this.#dialled;
    const facts = describe.connection(info, this.#exchange, waited ? time - getConn.start : undefined);
    this.#writer.connected(this.#exchange, facts);
    if (!atHand) {
      getConn.attributes = { ...facts, ...describe.endpoints(this.#exchange, info.socket) };
      for (const attempt of getConn.children ?? []) if (attempt.error) attempt.recovered = true;
      this.#write(getConn);
    }
    this.#send = this.#open(SPAN_SEND, time);
  }

  wroteHeaders(): void {
    this.#mark(EVENT_WROTE_HEADERS);
  }

  wait100Continue(): void {
    this.#mark(names.EVENT_WAIT_100_CONTINUE);
  }

  wroteRequest({ err }: WroteRequestInfo): void {
    const send = this.#send;
    this.#send = undefined;
    if (send === undefined) return;
    const time = now();
    this.#close(send, time, err, this.#exchange.hasBody || err !== undefined);
    // The server may answer before it has read everything: then there is no wait.
    if (err === undefined && !this.#responding) this.#wait = this.#open(SPAN_WAIT, time);
  }

  gotFirstResponseByte(): void {
    this.#responding = true;
    const time = now();
    if (this.#wait !== undefined) this.#close(this.#wait, time);
    this.#wait = undefined;
    this.#receive = this.#open(SPAN_RECEIVE, time);
  }

  got100Continue(): void {
    this.#mark(names.EVENT_GOT_100_CONTINUE);
  }

  got1xxResponse(statusCode: number, _headers: IncomingHttpHeaders): void {
    this.#mark(names.EVENT_GOT_1XX, { [names.ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode });
  }

  [bodyEnd](): void {
    if (this.#receive !== undefined) this.#close(this.#receive, now());
    this.#receive = undefined;
  }

  putIdleConn(err?: Error): void {
    this.#mark(EVENT_PUT_IDLE_CONN, err && { reason: err.message });
  }

  roundTripDone(err?: Error): void {
    const time = now();
    if (this.#dialled)
      for (const dialling of [this.#dns, this.#connect, this.#tls]) this.#closeDial(dialling, undefined, err);
    if (this.#getConn !== undefined && err !== undefined) {
      this.#getConn.attributes = describe.endpoints(this.#exchange, undefined);
      this.#close(this.#getConn, time, err);
    }
    if (this.#send !== undefined) this.#close(this.#send, time, err, err !== undefined);
    if (this.#wait !== undefined) this.#close(this.#wait, time, err);
    if (this.#receive !== undefined) this.#close(this.#receive, time, err);
    this.#writer.done(err);
  }

  #open(name: names.SpanName, time: number): Phase {
    const phase = new Phase(name, time);
    this.#latest = phase;
    return phase;
  }

  #close(phase: Phase, time: number, err?: Error, isWritten = true): void {
    phase.end = time;
    phase.error = err;
    if (isWritten) this.#write(phase);
  }

  #openDial(name: names.SpanName, attributes?: Attributes): Phase {
    this.#dialled = true;
    const phase = this.#open(name, now());
    phase.attributes = attributes;
    this.#getConn?.addChild(phase);
    return phase;
  }

  #closeDial(
    phase: Phase | undefined,
    attributes: Attributes | undefined,
    err: Error | undefined,
  ): undefined {
    if (phase === undefined) return;
    phase.describe(attributes);
    // Without an open http.getconn this dial serves another request: it is written by itself.
    this.#close(phase, now(), err, this.#getConn === undefined);
  }

  #write(phase: Phase): void {
    if (phase.name === SPAN_GETCONN) beginWithDial(phase, this.#writer);
    if (phase.children !== undefined && this.#minDuration > 0)
      phase.children = phase.children.filter((child) => this.#isLongEnough(child));
    if (this.#isLongEnough(phase)) this.#writer.phase(phase);
  }

  #isLongEnough(phase: Phase): boolean {
    return phase.error !== undefined || phase.end - phase.start >= this.#minDuration;
  }

  #mark(name: string, attributes?: Attributes): void {
    this.#writer.mark?.(
      { name, time: now(), attributes },
      this.#send ?? this.#wait ?? this.#receive ?? this.#latest,
    );
  }
}
