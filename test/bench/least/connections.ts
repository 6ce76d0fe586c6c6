import { Agent, ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { context } from '@opentelemetry/api';
import { Connection } from '../../../src/connection';
import { lastHostPort } from '../../../src/probes/hostport';
import { stamp } from '../../../src/stamp';
import { done, gotConn } from './progress';
import { OfRequest, Seen } from './seen';
import { failed, type Method, wrap } from './wrap';

const hostPort = lastHostPort();
/** The request that is about to open a socket, and then, as long as that connects, that of the socket. */
let opener: Seen | undefined;
const openers = stamp<Socket, Seen | undefined>();

/** Who asks for a connection, who gets which, and when it is given back. */
export function watchConnections(): void {
  wrap(Agent.prototype, 'addRequest', addRequest);
  wrap(Agent.prototype, 'createSocket', createSocket);
  wrap(Agent.prototype, 'emit', agentEmit);
  wrap(ClientRequest.prototype, 'onSocket', onSocket);
  wrap(Socket.prototype, 'connect', connect);
}

function addRequest(original: Method): Method {
  return function addRequest(this: Agent & { options: Options }, req: ClientRequest, options: Options) {
    try {
      const own = this.options;
      const host = own.host || options.host || 'localhost';
      const port = Number(own.port || options.port || 80);
      const seen = Seen.begin(context.active(), host, port);
      if (seen !== undefined) {
        new OfRequest(req, seen);
        seen.hooks?.getConn?.(own.proxyEnv ? 'proxy' : hostPort(host, port));
      }
    } catch (error) {
      failed(error);
    }
    return original.call(this, req, options);
  };
}

interface Options {
  readonly host?: string;
  readonly port?: number | string;
  readonly proxyEnv?: unknown;
}

function createSocket(original: Method): Method {
  return function createSocket(this: Agent, req: ClientRequest) {
    opener = OfRequest.get(req);
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      opener = undefined;
    }
  };
}

function connect(original: Method): Method {
  return function connect(this: Socket) {
    if (opener !== undefined) {
      openers.set(this, opener);
      this.prependListener('connect', onConnect);
      this.on('connectionAttempt', onAttempt);
    }
    return original.apply(this, arguments as unknown as unknown[]);
  };
}

function onAttempt(this: Socket, address: string, port: number): void {
  const seen = openers.get(this);
  if (seen === undefined) return;
  seen.connectStartAt = performance.now();
  seen.address = address;
  seen.hooks?.connectStart?.('tcp', hostPort(address, port));
}

function onConnect(this: Socket): void {
  this.removeListener('connectionAttempt', onAttempt);
  this.removeListener('connect', onConnect);
  const seen = openers.get(this);
  if (seen === undefined) return;
  openers.set(this, undefined);
  seen.connectDoneAt = performance.now();
  seen.hooks?.connectDone?.('tcp', hostPort(seen.address, seen.port));
  gotConn(seen);
}

function onSocket(original: Method): Method {
  return function onSocket(this: ClientRequest, socket: Socket) {
    try {
      const connection = Connection.of(socket);
      const { idleSince } = connection;
      const reused = connection.requestCount++ > 0;
      connection.idleSince = 0;
      const seen = OfRequest.get(this);
      if (seen !== undefined) {
        const idleTime = idleSince > 0 ? performance.now() - idleSince : 0;
        seen.connection = connection;
        seen.info = { socket, reused, wasIdle: idleSince > 0, idleTime };
        if (!socket.connecting) gotConn(seen);
      }
    } catch (error) {
      failed(error);
    }
    return arguments.length === 1
      ? original.call(this, socket)
      : original.apply(this, arguments as unknown as unknown[]);
  };
}

type Used = Socket & { readonly _httpMessage?: ClientRequest | null };

function agentEmit(original: Method): Method {
  return function emit(this: Agent, event: string, socket: Used, options: unknown) {
    if (event !== 'free') return original.apply(this, arguments as unknown as unknown[]);
    const req = socket._httpMessage;
    const result = original.call(this, event, socket, options);
    try {
      freed(socket, req);
    } catch (error) {
      failed(error);
    }
    return result;
  };
}

function freed(socket: Socket, req: ClientRequest | null | undefined): void {
  if (!socket.destroyed) Connection.of(socket).idleSince = performance.now();
  const seen = req ? OfRequest.get(req) : undefined;
  if (seen === undefined || seen.isOver) return;
  if (!socket.destroyed) {
    seen.putIdleAt = performance.now();
    seen.hooks?.putIdleConn?.();
  }
  done(seen);
}
