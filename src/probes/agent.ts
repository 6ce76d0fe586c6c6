import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { context } from '@opentelemetry/api';
import { now } from '../clock';
import { Connection } from '../connection';
import { isWanted } from '../tracing';
import { claimableDials, foreignDials, ownDials } from './dial';
import { asciiHost } from './hostport';
import { guarded, type Method, patch } from './patch';
import { RoundTrip } from './roundtrip';

/** What Node's agents have and its types do not tell. */
interface PooledSocket extends Socket {
  readonly _httpMessage?: PooledRequest | null;
}
interface PooledRequest extends ClientRequest {
  readonly res?: IncomingMessage | null;
}
interface AgentInternals extends Agent {
  readonly protocol?: string;
  readonly defaultPort?: number;
  readonly keepAlive?: boolean;
  readonly options?: RequestOptions;
  readonly createSocket?: Method;
}
interface RequestOptions {
  readonly host?: string;
  readonly port?: number | string;
}

/** Watches `http.Agent`: who asks for a connection, whose request opens one, and what becomes of it afterwards. */
export function agentProbe(): () => void {
  const undo: ((() => void) | undefined)[] = [];
  const wrapped = new WeakSet<object>();
  let latest: unknown;
  const wrapCreateSocket = (agent: AgentInternals) => {
    // Usually there is one class of agents, and this is all.
    if (agent.createSocket === latest) return;
    latest = agent.createSocket;
    const owner = ownerOf(agent, 'createSocket');
    if (owner === undefined || wrapped.has(owner)) return;
    wrapped.add(owner);
    undo.push(patch(owner, 'createSocket', createSocket));
    latest = agent.createSocket;
  };
  wrapCreateSocket(Agent.prototype);
  undo.push(
    patch(Agent.prototype, 'addRequest', (original, layer) => {
      const observe = guarded(function addRequest(this: Agent, req: ClientRequest, options: unknown) {
        const ctx = context.active();
        // An agent that returns another agent (agent-base) brings the request here a second time.
        if (!isWanted(ctx) || req.destroyed || RoundTrip.of(req) !== undefined) return;
        wrapCreateSocket(this);
        RoundTrip.begin(req, ctx, 'http', targetOf(this, req, options));
      });
      return function addRequest(this: Agent, req: ClientRequest, options: unknown) {
        if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
        observe.call(this, req, options);
        try {
          return original.apply(this, arguments as unknown as unknown[]);
        } catch (error) {
          // A port out of range, for example: nobody will hear of this request again.
          RoundTrip.of(req)?.done(error as Error);
          throw error;
        }
      };
    }),
    patch(Agent.prototype, 'emit', (original, layer) => {
      const observe = guarded(freed);
      return function emit(this: Agent, event: string, socket: PooledSocket, options: object) {
        if (event !== 'free' || !layer.active || !socket)
          return original.apply(this, arguments as unknown as unknown[]);
        const { requestCount } = Connection.of(socket);
        const req = socket._httpMessage;
        const { writable } = socket;
        const result = original.apply(this, arguments as unknown as unknown[]);
        observe.call(this, socket, req, requestCount, writable, options);
        return result;
      };
    }),
  );
  return () => {
    for (const each of undo) each?.();
  };
}

/** Agents override `createSocket` and call the inherited one only after they have dialled (agent-base): the most derived one counts. */
function ownerOf(object: object, method: string): object | undefined {
  let owner: object | null = object;
  while (owner !== null && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  return owner ?? undefined;
}

/**
 * Gives the dial to its request. Node calls this in the asynchronous context of whatever made room for it: for a queued request that is
 * the closing of another request's socket, so the active context tells nothing.
 */
function createSocket(original: Method, layer: { active: boolean }): Method {
  return function createSocket(this: Agent, req: ClientRequest) {
    const open = () => original.apply(this, arguments as unknown as unknown[]);
    if (!layer.active) return open();
    // A request that was aborted in the queue dials all the same; the next in the queue will get the socket.
    if (req.destroyed) return claimableDials(open);
    const roundTrip = RoundTrip.of(req);
    return roundTrip === undefined ? foreignDials(open) : ownDials(roundTrip, open);
  };
}

/** Where `options` lead; Node has filled in host and port. The agent's own options win, as they do in Node. */
function targetOf(agent: AgentInternals, req: ClientRequest, options: unknown) {
  const wanted = (typeof options === 'string' ? { host: options } : options) as RequestOptions;
  const own = agent.options;
  const protocol = (req.protocol ?? agent.protocol) === 'https:' ? ('https:' as const) : ('http:' as const);
  return {
    protocol,
    host: asciiHost(own?.host || wanted.host || 'localhost'),
    port: Number(own?.port || wanted.port || agent.defaultPort || (protocol === 'https:' ? 443 : 80)),
  };
}

/**
 * After the agent has decided what becomes of a socket whose request is over.
 * @param req - whose it was, and what it was like, before the decision
 */
function freed(
  this: Agent,
  socket: PooledSocket,
  req: PooledRequest | null | undefined,
  requestCount: number,
  writable: boolean,
  options: object,
): void {
  const connection = Connection.of(socket);
  const handedOver = connection.requestCount !== requestCount;
  const kept = handedOver || !socket.destroyed;
  const roundTrip = req ? RoundTrip.of(req) : undefined;
  if (!handedOver) {
    // Null only in the pool, and not with an aborted request of the queue, which will free it once more.
    if (kept && socket._httpMessage === null) connection.idleSince = now();
    // The request was aborted right after it was given the socket: it never used it.
    if (req && !req.res && requestCount > 0) connection.requestCount--;
  }
  if (roundTrip === undefined || !roundTrip.hasEndedBody) return;
  if (kept) roundTrip.putIdleConn();
  else if ((this as AgentInternals).keepAlive && req?.shouldKeepAlive)
    roundTrip.putIdleConn(refusal(this, options, writable));
  roundTrip.done();
}

/** Why a connection that could have been kept was closed: the agent does not say, but its limits do. */
function refusal(agent: Agent, options: object, writable: boolean): Error {
  if (!writable) return new Error('connection is in bad state');
  const name = agent.getName(options);
  const idle = agent.freeSockets[name]?.length ?? 0;
  if (idle >= agent.maxFreeSockets) return new Error('too many idle connections for host');
  const { totalSocketCount = 0 } = agent as Agent & { totalSocketCount?: number };
  // The closed socket itself is counted until its 'close'.
  if (
    totalSocketCount > agent.maxTotalSockets ||
    idle + (agent.sockets[name]?.length ?? 0) > agent.maxSockets
  )
    return new Error('too many connections');
  if (agent.keepSocketAlive !== Agent.prototype.keepSocketAlive)
    return new Error('keep-alive refused by the agent');
  return new Error('keep-alive refused: the server keeps idle connections too briefly');
}
