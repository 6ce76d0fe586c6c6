import type { Socket } from 'node:net';
import { type Context, diag } from '@opentelemetry/api';
import { now } from '../clock';
import type { Connection } from '../connection';
import type { Exchange, RequestSpan, SinkTrace, Transport } from '../tracing';
import { bodyEnd, traceFor } from '../tracing';
import { followed } from './followed';
import { lastHostPort, type Target } from './hostport';
import { OfRequest } from './ofrequest';
import { closeDials, type OpenDial } from './opendials';
import { emptyScope, type Scope } from './scope';

let watch = 0;
let running = 0;
const firstHopOf = lastHostPort();

/** Lets go of every running round trip: after this none of them calls a hook. */
export function abandonRoundTrips(): void {
  if (running > 0)
    diag.warn(
      `httptrace: disabled while ${running} traced requests were running; what is left of them is not reported`,
    );
  watch++;
  running = 0;
}

/**
 * One request from the moment it asks for a connection to its end: the invariants of the hooks, whatever the transport.
 *
 * Each method reports one moment. It calls its hook at most once, in an order that makes sense, and never after {@link RoundTrip.done}.
 */
export class RoundTrip implements Exchange {
  connection: Connection | undefined;
  hasBody = false;
  /** Whose sockets opened in this scope belong to this request; emptied when the dial is over, so that what the application opens later does not. */
  scope: Scope | undefined;
  readonly begunAt = now();
  unnamedIn: Context | undefined;
  // Not private fields: until TurboFan compiles it, V8 takes a hundred instructions to define each of them.
  private readonly watch = watch;
  private hooks: SinkTrace | undefined;
  /** Its dials until it is over; undefined if it has none. */
  dials: OpenDial[] | undefined;
  private waits100 = false;
  private hasFirstByte = false;
  hasConn = false;
  hasWrittenHeaders = false;
  hasWrittenRequest = false;
  hasEndedBody = false;

  static get areRunning(): boolean {
    return running > 0;
  }

  /** The running round trip of a transport's request object. While nothing is traced, nothing is looked up. */
  static of(request: object): RoundTrip | undefined {
    return running === 0 ? undefined : OfRequest.get(request);
  }

  /** Another object of the transport's stands for the request as well. */
  static adopt(request: object, roundTrip: RoundTrip): void {
    OfRequest.set(request, roundTrip);
  }

  /**
   * Begins a round trip if somebody wants to follow it.
   * @param requestSpan - the request's span, if it is not simply the active one of `ctx`
   */
  static begin(
    request: object,
    ctx: Context,
    transport: Transport,
    target: Target,
    requestSpan?: RequestSpan,
  ): RoundTrip | undefined {
    const roundTrip = new RoundTrip(transport, target, requestSpan);
    const trace = traceFor(ctx, roundTrip);
    if (trace === undefined) return undefined;
    roundTrip.hooks = trace;
    running++;
    followed(transport);
    OfRequest.set(request, roundTrip);
    trace.getConn?.(roundTrip.hostPort);
    return roundTrip;
  }

  private constructor(
    readonly transport: Transport,
    private readonly target: Target,
    public requestSpan: RequestSpan | undefined,
  ) {}

  get protocol(): 'http:' | 'https:' {
    return this.target.protocol;
  }
  get host(): string {
    return this.target.host;
  }
  get port(): number {
    return this.target.port;
  }
  get hostPort(): string {
    return firstHopOf(this.host, this.port);
  }

  /** The hooks, as long as they may be called. */
  get trace(): SinkTrace | undefined {
    return this.watch === watch ? this.hooks : undefined;
  }

  /** @param idleSince - when the connection went idle, 0 if that was not seen */
  gotConn(
    socket: Socket,
    connection: Connection,
    reused: boolean,
    wasIdle: boolean,
    idleSince: number,
  ): void {
    if (this.hasConn) return;
    this.hasConn = true;
    this.connection = connection;
    this.leaveScope();
    const idleTime = idleSince > 0 ? now() - idleSince : 0;
    this.trace?.gotConn?.({ socket, reused, wasIdle, idleTime });
  }

  /** @param fieldsOf - asked for the header fields of `message` only if somebody wants to see them */
  wroteHeaders<T>(
    hasBody: boolean,
    waits100: boolean,
    message: T,
    fieldsOf: (message: T) => Iterable<[string, readonly string[]]>,
  ): void {
    if (this.hasWrittenHeaders) return;
    this.hasWrittenHeaders = true;
    this.hasBody = hasBody;
    this.waits100 = waits100 && hasBody;
    // Asked every time: a hook may have disabled us.
    if (this.trace?.wroteHeaderField !== undefined)
      for (const [key, values] of fieldsOf(message)) this.trace?.wroteHeaderField?.(key, values);
    this.trace?.wroteHeaders?.();
    if (this.waits100) this.trace?.wait100Continue?.();
  }

  wroteRequest(err?: Error): void {
    if (this.hasWrittenRequest || !this.hasConn) return;
    this.hasWrittenRequest = true;
    this.trace?.wroteRequest?.(err === undefined ? {} : { err });
  }

  gotFirstResponseByte(): void {
    if (this.hasFirstByte) return;
    this.hasFirstByte = true;
    this.trace?.gotFirstResponseByte?.();
  }

  got100Continue(): void {
    if (!this.waits100) return;
    this.waits100 = false;
    this.trace?.got100Continue?.();
  }

  bodyEnd(): void {
    if (this.hasEndedBody) return;
    this.hasEndedBody = true;
    this.trace?.[bodyEnd]?.();
  }

  /** Opens a dial of this request: it is closed with the request at the latest. */
  addDial(dial: OpenDial): void {
    if (this.dials === undefined) this.dials = [dial];
    else this.dials.push(dial);
  }

  /** The end, with the error that the application sees. Closes what is open, in order, then calls the last hook. */
  done(err?: Error): void {
    if (this.trace === undefined) return;
    const dials = this.dials;
    this.dials = undefined;
    this.leaveScope();
    running--;
    try {
      if (dials !== undefined) closeDials(dials, err);
      // Made only where it is needed: an error costs more than all the rest of this.
      if (this.hasConn && !this.hasWrittenRequest)
        this.wroteRequest(err ?? new Error('the request was over before it was written'));
    } finally {
      const { trace } = this;
      this.hooks = undefined;
      trace?.roundTripDone?.(err);
    }
  }

  /** From here on sockets that are opened in its asynchronous context are none of its own. */
  leaveScope(): void {
    if (this.scope !== undefined) emptyScope(this.scope);
  }
}
