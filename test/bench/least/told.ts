import {
  type Attributes,
  type HrTime,
  type Span,
  type SpanContext,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Seen } from './seen';

/** Told of a request whose body has ended, while its span is open, and when it is over. */
export interface Teller {
  gotConn?(seen: Seen, span: Span): void;
  bodyEnd?(seen: Seen, span: Span): void;
  done?(seen: Seen, span: Span): void;
}

function describe({ info, kept }: Seen, span: Span): void {
  if (info === undefined || kept === undefined) return;
  span.setAttribute('http.conn.reused', info.reused);
  span.setAttribute('http.conn.wasidle', info.wasIdle);
  if (info.idleTime > 0) span.setAttribute('http.conn.idle_time', info.idleTime / 1000);
  span.setAttribute('http.conn.id', kept.id);
  span.setAttribute('http.conn.request_count', kept.requestCount);
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

export interface SdkSpan extends Span {
  readonly startTime: HrTime;
  readonly _performanceStartTime: number;
}

/** On the clock of the request's span. */
export function at(span: Span, time: number): HrTime {
  const { startTime, _performanceStartTime } = span as SdkSpan;
  const nanos = startTime[1] + Math.round((time - _performanceStartTime) * 1e6);
  if (nanos >= 0 && nanos < 1e9) return [startTime[0], nanos | 0];
  const carry = Math.floor(nanos / 1e9) | 0;
  return [startTime[0] + carry, (nanos - carry * 1e9) | 0];
}

function peer({ address, port }: Seen): Attributes {
  return {
    'network.transport': 'tcp',
    'network.type': 'ipv4',
    'network.peer.address': address,
    'network.peer.port': port,
  };
}

function obtained({ info, kept, host, port }: Seen): Attributes {
  if (info === undefined || kept === undefined) return {};
  const { socket } = info;
  return {
    'http.conn.reused': info.reused,
    'http.conn.wasidle': info.wasIdle,
    'http.conn.id': kept.id,
    'http.conn.request_count': kept.requestCount,
    'server.address': host,
    'server.port': port,
    'network.peer.address': socket.remoteAddress,
    'network.peer.port': socket.remotePort,
    'network.local.address': socket.localAddress,
    'network.local.port': socket.localPort,
    'network.transport': 'tcp',
    'network.type': socket.remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4',
  };
}

export const events: Teller = {
  gotConn: describe,
  bodyEnd(seen, span) {
    if (!seen.wasAtHand) {
      span.addEvent('http.getconn.start', undefined, at(span, seen.begunAt));
      span.addEvent('http.connect.start', undefined, at(span, seen.connectStartAt));
      span.addEvent('http.connect.done', peer(seen), at(span, seen.connectDoneAt));
      span.addEvent('http.getconn.done', obtained(seen), at(span, seen.gotConnAt));
    }
    span.addEvent('http.wrote_headers', undefined, at(span, seen.wroteHeadersAt));
    span.addEvent('http.wait.start', undefined, at(span, seen.wroteRequestAt));
    span.addEvent('http.wait.done', undefined, at(span, seen.firstByteAt));
    span.addEvent('http.receive.start', undefined, at(span, seen.firstByteAt));
    span.addEvent('http.receive.done', undefined, at(span, seen.bodyEndAt));
  },
};

export interface Child {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly attributes?: Attributes;
  readonly link?: SpanContext | undefined;
  readonly putIdleAt?: number;
}

/** Makes the child spans of a request's span by `write`, which makes one, of the request's span or of another child. */
export function childSpans<Made>(
  write: (seen: Seen, parent: Span, made: Made | undefined, child: Child) => Made,
  contextOf: (made: Made) => SpanContext,
): Teller {
  return {
    gotConn: describe,
    done(seen, span) {
      const { kept, putIdleAt } = seen;
      let link = kept?.openedBy;
      if (!seen.wasAtHand) {
        const [start, end] = [seen.begunAt, seen.gotConnAt];
        const getConn = write(seen, span, undefined, {
          name: 'http.getconn',
          start,
          end,
          attributes: obtained(seen),
        });
        const dial = { start: seen.connectStartAt, end: seen.connectDoneAt, attributes: peer(seen) };
        write(seen, span, getConn, { name: 'http.connect', ...dial });
        if (kept !== undefined) kept.openedBy = contextOf(getConn);
        link = undefined;
      }
      const [start, end] = [seen.wroteRequestAt, seen.firstByteAt];
      write(seen, span, undefined, { name: 'http.wait', start, end, link });
      write(seen, span, undefined, { name: 'http.receive', start: end, end: seen.bodyEndAt, putIdleAt });
    },
  };
}

/** By the tracer. */
export function spans(tracer: Tracer): Teller {
  return childSpans<Span>(
    (seen, parent, made, { name, start, end, attributes, link, putIdleAt = 0 }) => {
      const span = tracer.startSpan(
        name,
        {
          kind: SpanKind.INTERNAL,
          startTime: at(parent, start),
          ...(attributes && { attributes }),
          ...(link && { links: [{ context: link }] }),
        },
        trace.setSpan(seen.ctx, made ?? parent),
      );
      if (putIdleAt > 0) span.addEvent('http.put_idle_conn', undefined, at(parent, putIdleAt));
      span.end(at(parent, end));
      return span;
    },
    (span) => span.spanContext(),
  );
}
