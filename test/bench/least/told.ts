import {
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { SpanName } from '../../../src/names';
import { type Anchor, anchor } from '../../../src/sinks/anchor';
import { connection } from '../../../src/sinks/attributesof';
import { obtained, peer } from '../../../src/sinks/endpoints';
import { Phase } from '../../../src/sinks/phase';
import type { Seen } from './seen';

/** Told of a request whose body has ended, while its span is open, and when it is over. */
export interface Teller {
  gotConn?(seen: Seen, span: Span): void;
  bodyEnd?(seen: Seen, span: Span): void;
  done?(seen: Seen, span: Span): void;
}

function describe(seen: Seen, span: Span): void {
  if (seen.info !== undefined) connection(span, seen.info, seen, undefined);
}

export const attributes: Teller = {
  gotConn: describe,
  bodyEnd(seen, span) {
    if (!seen.wasAtHand) {
      span.setAttribute('http.getconn.duration', (seen.gotConnAt - seen.begunAt) / 1000);
      span.setAttribute('http.connect.duration', (seen.connectDoneAt - seen.connectStartAt) / 1000);
    }
    span.setAttribute('http.wait.duration', (seen.firstByteAt - seen.wroteRequestAt) / 1000);
    span.setAttribute('http.receive.duration', (seen.bodyEndAt - seen.firstByteAt) / 1000);
  },
};

function getConn(seen: Seen): Phase {
  const phase = phaseOf('http.getconn', seen.begunAt, seen.gotConnAt);
  if (seen.info !== undefined) obtained(phase, seen.info, seen, undefined);
  return phase;
}

function connect({ connectStartAt, connectDoneAt, address, port }: Seen): Phase {
  const phase = phaseOf('http.connect', connectStartAt, connectDoneAt);
  phase.attributes = peer('tcp', `${address}:${port}`);
  return phase;
}

function phaseOf(name: SpanName, start: number, end: number): Phase {
  const phase = new Phase(name, start);
  phase.end = end;
  return phase;
}

export const events: Teller = {
  gotConn: describe,
  bodyEnd(seen, span) {
    const clock = anchor(span);
    if (!seen.wasAtHand) {
      span.addEvent('http.getconn.start', undefined, clock.at(seen.begunAt));
      span.addEvent('http.connect.start', undefined, clock.at(seen.connectStartAt));
      span.addEvent('http.connect.done', connect(seen).attributes, clock.at(seen.connectDoneAt));
      span.addEvent('http.getconn.done', getConn(seen).attributes, clock.at(seen.gotConnAt));
    }
    span.addEvent('http.wrote_headers', undefined, clock.at(seen.wroteHeadersAt));
    span.addEvent('http.wait.start', undefined, clock.at(seen.wroteRequestAt));
    span.addEvent('http.wait.done', undefined, clock.at(seen.firstByteAt));
    span.addEvent('http.receive.start', undefined, clock.at(seen.firstByteAt));
    span.addEvent('http.receive.done', undefined, clock.at(seen.bodyEndAt));
  },
};

/** Makes a span of a phase, below the request's span or one that it has made, and with a link if there is one. */
type Write<Made> = (
  seen: Seen,
  span: Span,
  clock: Anchor,
  inside: Made | undefined,
  phase: Phase,
  link?: SpanContext,
) => Made;

/** The child spans of a request's span. */
export function childSpans<Made extends Pick<Span, 'spanContext'>>(write: Write<Made>): Teller {
  return {
    gotConn: describe,
    done(seen, span) {
      const clock = anchor(span);
      let link = seen.connection?.openedBy;
      if (!seen.wasAtHand) {
        const made = write(seen, span, clock, undefined, getConn(seen));
        write(seen, span, clock, made, connect(seen));
        if (seen.connection !== undefined) seen.connection.openedBy = made.spanContext();
        link = undefined;
      }
      write(seen, span, clock, undefined, phaseOf('http.wait', seen.wroteRequestAt, seen.firstByteAt), link);
      const receive = phaseOf('http.receive', seen.firstByteAt, seen.bodyEndAt);
      if (seen.putIdleAt > 0)
        receive.addMark({ name: 'http.put_idle_conn', time: seen.putIdleAt, attributes: undefined });
      write(seen, span, clock, undefined, receive);
    },
  };
}

/** By the tracer. */
export function spans(tracer: Tracer): Teller {
  return childSpans<Span>((seen, parent, clock, inside, { name, start, end, attributes, marks }, link) => {
    const options: SpanOptions = {
      kind: SpanKind.INTERNAL,
      startTime: clock.at(start),
      ...(attributes && { attributes }),
      ...(link && { links: [{ context: link }] }),
    };
    const span = tracer.startSpan(name, options, trace.setSpan(seen.ctx, inside ?? parent));
    for (const mark of marks ?? []) span.addEvent(mark.name, undefined, clock.at(mark.time));
    span.end(clock.at(end));
    return span;
  });
}
