import { type Context, createContextKey, type Span, trace } from '@opentelemetry/api';
import type { ClientTrace, GotConnInfo } from '../../../src';
import type { Connection } from '../../../src/connection';
import { Returned } from '../../../src/stamp';

/** Under which the hooks are attached. */
export const HOOKS_KEY = createContextKey('the least');

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
  connection: Connection | undefined;
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

/** In a private field of the request: a stamp, written out as our own is, so that it is as cheap. */
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
