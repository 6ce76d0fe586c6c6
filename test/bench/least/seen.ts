import type { Socket } from 'node:net';
import { type Context, createContextKey, type Span, type SpanContext, trace } from '@opentelemetry/api';
import type { ClientTrace, GotConnInfo } from '../../../src';
import { Returned } from '../../../src/stamp';

/** Under which the hooks are attached. */
export const HOOKS_KEY = createContextKey('the least');

/** What is remembered of a connection. */
export class Kept {
  requestCount = 0;
  idleSince = 0;
  /** The span under which it was opened. */
  openedBy: SpanContext | undefined;

  constructor(readonly id: number) {}
}

/** One request, and when what happened to it: on the clock of `performance.now()`, 0 if it did not yet. */
export class Seen {
  readonly begunAt = performance.now();
  connectStartAt = 0;
  connectDoneAt = 0;
  gotConnAt = 0;
  wroteHeadersAt = 0;
  wroteRequestAt = 0;
  firstByteAt = 0;
  bodyEndAt = 0;
  putIdleAt = 0;
  address = '';
  info: GotConnInfo | undefined;
  kept: Kept | undefined;
  isOver = false;

  /** @param hooks - or the span to which it is written */
  constructor(
    readonly ctx: Context,
    readonly hooks: ClientTrace | undefined,
    readonly span: Span | undefined,
    readonly host: string,
    readonly port: number,
  ) {}

  /** Undefined if nobody wants to know. */
  static begin(ctx: Context, host: string, port: number): Seen | undefined {
    const hooks = ctx.getValue(HOOKS_KEY) as ClientTrace | undefined;
    const span = hooks === undefined ? trace.getSpan(ctx) : undefined;
    if (hooks === undefined && span?.isRecording() !== true) return undefined;
    return new Seen(ctx, hooks, span, host, port);
  }

  get wasAtHand(): boolean {
    return this.info?.wasIdle === true;
  }
}

/** In a private field of the request. */
export class OfRequest extends Returned {
  #seen: Seen;

  constructor(req: object, seen: Seen) {
    super(req);
    this.#seen = seen;
  }

  static get(req: object): Seen | undefined {
    return #seen in req ? (req as OfRequest).#seen : undefined;
  }
}

/** What is remembered of a socket: its connection, and the request that opens it. */
export interface Memory {
  kept: Kept | undefined;
  opener: Seen | undefined;
}

/** In a private field of the socket. */
export class OfSocket extends Returned {
  readonly #memory: Memory;

  private constructor(socket: Socket, memory: Memory) {
    super(socket);
    this.#memory = memory;
  }

  static get(socket: Socket | OfSocket): Memory | undefined {
    return #memory in socket ? socket.#memory : undefined;
  }

  static for(socket: Socket): Memory {
    const known = OfSocket.get(socket);
    if (known !== undefined) return known;
    const memory: Memory = { kept: undefined, opener: undefined };
    new OfSocket(socket, memory);
    return memory;
  }
}
