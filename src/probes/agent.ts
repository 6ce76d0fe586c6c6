import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { context } from '@opentelemetry/api';
import { now } from '../clock';
import { Connection } from '../connection';
import { isWanted } from '../tracing';
import { enterDials, leaveDials } from './dial';
import { firstHop } from './firsthop';
import { guarded, type Method, ownerOf, patch } from './patch';
import { RoundTrip } from './roundtrip';
import { isTunnel, tunnelledFor } from './tunnel';

/** What Node's agents have and its types do not tell. */
interface PooledSocket extends Socket {
  readonly _httpMessage?: PooledRequest | null;
}
interface PooledRequest extends ClientRequest {
  readonly res?: IncomingMessage | null;
}

/** Watches `http.Agent`: who asks for a connection, whose request opens one, and what becomes of it afterwards. */
export function agentProbe(): () => void {
  const undo: ((() => void) | undefined)[] = [];
  const wrapped = new WeakSet<object>();
  // Agents override `createSocket` and call the inherited one only after they have dialled (agent-base): the most derived one counts.
  const wrapCreateSocket = (agent: object) => {
    const owner = ownerOf(agent, 'createSocket');
    if (owner === undefined || wrapped.has(owner)) return;
    wrapped.add(owner);
    undo.push(patch(owner, 'createSocket', createSocket));
  };
  wrapCreateSocket(Agent.prototype);
  undo.push(
    patch(Agent.prototype, 'addRequest', (original, layer) => {
      const observe = guarded(function addRequest(this: Agent, req: ClientRequest, options: unknown) {
        const ctx = context.active();
        if (!isWanted(ctx) || req.destroyed) return;
        wrapCreateSocket(this);
        // An agent that returns another agent (agent-base), or asks one (global-agent), brings the request here a second time.
        if (RoundTrip.of(req) !== undefined || isTunnel(req)) return;
        RoundTrip.begin(req, ctx, 'http', firstHop(this, req, options));
      });
      return function addRequest(this: Agent, req: ClientRequest, options: unknown) {
        if (layer.active) observe.call(this, req, options, undefined, undefined);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
    patch(Agent.prototype, 'emit', (original, layer) => {
      const observe = guarded(freed);
      return function emit(this: Agent, event: string, socket: PooledSocket, options: object) {
        if (event !== 'free' || !layer.active || !socket)
          return original.apply(this, arguments as unknown as unknown[]);
        const freeing: Freeing = {
          req: socket._httpMessage,
          requestCount: Connection.of(socket).requestCount,
          writable: socket.writable,
          options,
        };
        const result = original.apply(this, arguments as unknown as unknown[]);
        observe.call(this, socket, freeing, undefined, undefined);
        return result;
      };
    }),
  );
  return () => {
    for (const each of undo) each?.();
  };
}

/**
 * Gives the dial to its request. Node calls this in the asynchronous context of whatever made room for it: for a queued request that is
 * the closing of another request's socket, so the active context tells nothing.
 */
function createSocket(original: Method, layer: { active: boolean }): Method {
  return function createSocket(this: Agent, req: ClientRequest) {
    if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
    // A request that was aborted in the queue dials all the same; the next in the queue will get the socket.
    const owner = req.destroyed ? 'claimable' : (RoundTrip.of(req) ?? tunnelledFor(req));
    const before = enterDials(owner);
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      leaveDials(before);
    }
  };
}

interface Freeing {
  readonly req: PooledSocket['_httpMessage'];
  readonly requestCount: number;
  readonly writable: boolean;
  readonly options: object;
}

/** After the agent has decided what becomes of a socket whose request is over. */
function freed(this: Agent, socket: PooledSocket, { req, requestCount, writable, options }: Freeing): void {
  const connection = Connection.of(socket);
  const handedOver = connection.requestCount !== requestCount;
  const kept = handedOver || !socket.destroyed;
  const roundTrip = req ? RoundTrip.of(req) : undefined;
  if (!handedOver) {
    // In the pool, and not with an aborted request of the queue, which will free it once more.
    if (kept && !socket._httpMessage) connection.idleSince = now();
    // The request was aborted right after it was given the socket: it never used it.
    if (req && !req.res && requestCount > 0) connection.requestCount--;
  }
  if (roundTrip === undefined || !roundTrip.hasEndedBody) return;
  if (kept) roundTrip.putIdleConn();
  else if ((this as Agent & { keepAlive?: boolean }).keepAlive && req?.shouldKeepAlive)
    roundTrip.putIdleConn(refusal(this, options, writable));
  roundTrip.done();
}

/** Why a connection that could have been kept was closed: the agent does not say, but its limits do. */
function refusal(agent: Agent, options: object, writable: boolean): Error {
  if (!writable) return new Error('connection is in bad state');
  const idle = agent.freeSockets[agent.getName(options)]?.length ?? 0;
  if (idle >= agent.maxFreeSockets) return new Error('too many idle connections for host');
  const { totalSocketCount } = agent as Agent & { totalSocketCount?: number };
  // The closed socket itself is no longer counted.
  if ((totalSocketCount ?? 0) + 1 > agent.maxTotalSockets) return new Error('too many connections');
  return new Error('keep-alive refused: the server keeps idle connections too briefly');
}
