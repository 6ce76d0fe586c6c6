import { ClientRequest, IncomingMessage } from 'node:http';
import { bodyEnd, done, wroteHeaders } from './progress';
import { OfRequest, type Seen } from './seen';
import { failed, type Method, wrap } from './wrap';

let isParserWatched = false;

/** What is written, and what comes back. */
export function watchRequests(): void {
  wrap(ClientRequest.prototype, '_send', send);
  wrap(ClientRequest.prototype, 'emit', requestEmit);
  wrap(IncomingMessage.prototype, 'emit', responseEmit);
}

function send(original: Method): Method {
  return function _send(this: ClientRequest) {
    const result = original.apply(this, arguments as unknown as unknown[]);
    const seen = OfRequest.get(this);
    if (seen !== undefined) wroteHeaders(seen);
    return result;
  };
}

function requestEmit(original: Method): Method {
  return function emit(this: ClientRequest, event: string, value: unknown) {
    const seen = OfRequest.get(this);
    if (seen !== undefined)
      try {
        requestEvent(this, seen, event, value);
      } catch (error) {
        failed(error);
      }
    if (arguments.length === 1) return original.call(this, event);
    if (arguments.length === 2) return original.call(this, event, value);
    return original.apply(this, arguments as unknown as unknown[]);
  };
}

type Request = ClientRequest & { readonly parser?: object; readonly res?: IncomingMessage };

function requestEvent(req: Request, seen: Seen, event: string, value: unknown): void {
  if (event === 'socket') {
    if (!isParserWatched && req.parser !== undefined) watchParser(req.parser);
    wroteHeaders(seen);
  } else if (event === 'finish') {
    wroteHeaders(seen);
    seen.wroteRequestAt = performance.now();
    seen.hooks?.wroteRequest?.({});
  } else if (event === 'error') {
    done(seen, value as Error);
  } else if (event === 'close') {
    const { res, socket } = req;
    if (!(res?.complete && socket?.destroyed === false && socket.listenerCount('free') > 0)) done(seen);
  }
}

function watchParser(parser: object): void {
  isParserWatched = true;
  wrap(Object.getPrototypeOf(parser), 'execute', (original) => {
    return function execute(this: { outgoing?: object | null }, data: unknown) {
      const seen = this.outgoing ? OfRequest.get(this.outgoing) : undefined;
      if (seen !== undefined && seen.firstByteAt === 0) {
        seen.firstByteAt = performance.now();
        seen.hooks?.gotFirstResponseByte?.();
      }
      return original.call(this, data);
    };
  });
}

type Response = IncomingMessage & { readonly req?: ClientRequest & { readonly shouldKeepAlive?: boolean } };

function responseEmit(original: Method): Method {
  return function emit(this: Response, event: string, value: unknown) {
    if (event === 'end' || event === 'error' || event === 'close')
      try {
        responseEvent(this, event, value);
      } catch (error) {
        failed(error);
      }
    if (arguments.length === 1) return original.call(this, event);
    if (arguments.length === 2) return original.call(this, event, value);
    return original.apply(this, arguments as unknown as unknown[]);
  };
}

function responseEvent({ req }: Response, event: string, value: unknown): void {
  const seen = req && OfRequest.get(req);
  if (req === undefined || seen === undefined) return;
  if (event === 'error') return done(seen, value as Error);
  bodyEnd(seen);
  if (req.closed || (event === 'end' && seen.wroteRequestAt > 0 && !req.shouldKeepAlive)) done(seen);
}
