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
import { endpoints, obtained, peer } from './endpoints';
import { beginWithDial, type HeaderRecorder, Phase, type PhaseWriter } from './phase';

/** Turns the seventeen hooks of one request into at most seven kinds of phases. */
export class PhaseTrace implements SinkTrace {
  readonly wroteHeaderField?: HeaderRecorder;
  private readonly describes: boolean;
  // Not private fields: until TurboFan compiles it, V8 takes a hundred instructions to define each of them.
  private isAsking = true;
  private getConnPhase: Phase | undefined;
  private dnsPhase: Phase | undefined;
  private connectPhase: Phase | undefined;
  private tlsPhase: Phase | undefined;
  private sendPhase: Phase | undefined;
  private waitPhase: Phase | undefined;
  private receivePhase: Phase | undefined;
  private dialled = false;
  private responding = false;
  private latest: Phase | undefined;

  /**
   * @param minDuration - milliseconds; shorter phases are not written
   * @param recordHeader - told every header field that was written; without it none is looked at
   */
  constructor(
    private readonly exchange: Exchange,
    private readonly writer: PhaseWriter,
    private readonly minDuration = 0,
    recordHeader?: HeaderRecorder,
  ) {
    this.describes = writer.onlyTimes !== true;
    if (recordHeader !== undefined) this.wroteHeaderField = recordHeader;
  }

  /** Begins when this is made, and is made only if there is something to say. With a hook `getConn` each request would have to put `host:port` together. */
  private get getConnSoFar(): Phase {
    this.getConnPhase ??= new Phase(names.SPAN_GETCONN, this.exchange.begunAt);
    return this.getConnPhase;
  }

  dnsStart(info: DnsStartInfo): void {
    this.dnsPhase = this.openDial(names.SPAN_DNS, this.describes ? describe.question(info) : undefined);
  }

  dnsDone(info: DnsDoneInfo): void {
    if (this.describes && this.dnsPhase !== undefined) describe.answers(this.dnsPhase, info);
    this.dnsPhase = this.closeDial(this.dnsPhase, info.err);
  }

  connectStart(network: Network, addr: string): void {
    this.connectPhase = this.openDial(names.SPAN_CONNECT, this.describes ? peer(network, addr) : undefined);
  }

  connectDone(_network: Network, _addr: string, err?: Error): void {
    this.connectPhase = this.closeDial(this.connectPhase, err);
  }

  tlsHandshakeStart(): void {
    this.tlsPhase = this.openDial(names.SPAN_TLS);
  }

  tlsHandshakeDone(state: TlsState | undefined, err?: Error): void {
    if (this.describes && this.tlsPhase && state) describe.tls(this.tlsPhase, state);
    this.tlsPhase = this.closeDial(this.tlsPhase, err);
  }

  gotConn(info: GotConnInfo): void {
    if (!this.isAsking) return;
    this.isAsking = false;
    const time = now();
    // Neither dialled nor waited for: it was at hand, and a span would say nothing.
    const atHand = info.wasIdle && !this.dialled;
    const waited = atHand || this.dialled ? undefined : time - this.exchange.begunAt;
    this.writer.connected(this.exchange, info, waited);
    if (!atHand) this.writeGetConn(this.getConnSoFar, info, waited, time);
    this.sendPhase = this.open(names.SPAN_SEND, time);
  }

  private writeGetConn(getConn: Phase, info: GotConnInfo, waited: number | undefined, time: number): void {
    getConn.end = time;
    if (this.describes) obtained(getConn, info, this.exchange, waited);
    for (const attempt of getConn.children ?? []) if (attempt.error) attempt.recovered = true;
    this.write(getConn);
  }

  wroteHeaders(): void {
    this.mark(names.EVENT_WROTE_HEADERS);
  }

  wait100Continue(): void {
    this.mark(names.EVENT_WAIT_100_CONTINUE);
  }

  wroteRequest({ err }: WroteRequestInfo): void {
    if (this.sendPhase === undefined) return;
    const time = now();
    this.sendPhase = this.close(this.sendPhase, time, err, this.exchange.hasBody || err !== undefined);
    // The server may answer before it has read everything: then there is no wait.
    if (err === undefined && !this.responding) this.waitPhase = this.open(names.SPAN_WAIT, time);
  }

  gotFirstResponseByte(): void {
    this.responding = true;
    const time = now();
    this.waitPhase &&= this.close(this.waitPhase, time);
    this.receivePhase = this.open(names.SPAN_RECEIVE, time);
  }

  got100Continue(): void {
    this.mark(names.EVENT_GOT_100_CONTINUE);
  }

  got1xxResponse(statusCode: number, _headers: IncomingHttpHeaders): void {
    this.mark(names.EVENT_GOT_1XX, { [names.ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode });
  }

  [bodyEnd](): void {
    this.receivePhase &&= this.close(this.receivePhase, now());
  }

  putIdleConn(err?: Error): void {
    this.mark(names.EVENT_PUT_IDLE_CONN, err && { reason: err.message });
  }

  roundTripDone(err?: Error): void {
    this.closeDial(this.dnsPhase, err);
    this.closeDial(this.connectPhase, err);
    this.closeDial(this.tlsPhase, err);
    if (this.isAsking && err !== undefined) {
      endpoints(this.getConnSoFar, this.exchange, undefined);
      this.close(this.getConnSoFar, now(), err);
    }
    if (this.sendPhase !== undefined) this.close(this.sendPhase, now(), err, err !== undefined);
    if (this.waitPhase !== undefined) this.close(this.waitPhase, now(), err);
    if (this.receivePhase !== undefined) this.close(this.receivePhase, now(), err);
    this.writer.done(err);
  }

  private open(name: names.SpanName, time: number): Phase {
    const phase = new Phase(name, time);
    this.latest = phase;
    return phase;
  }

  private close(phase: Phase, time: number, err?: Error, isWritten = true): undefined {
    phase.end = time;
    phase.error = err;
    if (isWritten) this.write(phase);
  }

  private openDial(name: names.SpanName, attributes?: Attributes): Phase {
    this.dialled = true;
    const phase = this.open(name, now());
    phase.attributes = attributes;
    if (this.isAsking) this.getConnSoFar.addChild(phase);
    return phase;
  }

  private closeDial(phase: Phase | undefined, err: Error | undefined): undefined {
    if (phase === undefined) return;
    // Without an open http.getconn this dial serves another request: it is written by itself.
    return this.close(phase, now(), err, !this.isAsking);
  }

  private write(phase: Phase): void {
    if (phase.name === names.SPAN_GETCONN) beginWithDial(phase, this.writer);
    if (phase.children !== undefined && this.minDuration > 0)
      phase.children = phase.children.filter((child) => this.isLongEnough(child));
    if (this.isLongEnough(phase)) this.writer.phase(phase);
  }

  private isLongEnough(phase: Phase): boolean {
    return phase.error !== undefined || phase.end - phase.start >= this.minDuration;
  }

  private mark(name: string, attributes?: Attributes): void {
    const phase = this.sendPhase ?? this.waitPhase ?? this.receivePhase ?? this.latest;
    this.writer.mark?.({ name, time: now(), attributes }, phase);
  }
}
