import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { now } from '../clock';
import { Connection } from '../connection';
import { isMeasuring } from '../measuring';
import { wantedContext } from '../tracing';
import { FirstHop, measuredHop } from './firsthop';
import { beginRequest } from './latespan';
import { MetClasses } from './met';
import { givesOpened, opensAtOnce } from './nodeagent';
import { failed, type Method, patch, undoAll } from './patch';
import { askedAgent, asksAgent, leaveQueue } from './queue';
import { RoundTrip } from './roundtrip';
import { endExpectation, enterDials, expectDialNow, isWithinDial, leaveDials } from './scope';
import { isTunnel, tunnelledFor } from './tunnel';

/** What Node's agents have and its types do not tell. */
interface PooledSocket extends Socket {
  readonly _httpMessage?: PooledRequest | null;
}
interface PooledRequest extends ClientRequest {
  readonly res?: IncomingMessage | null;
}
interface AgentInternals extends Agent {
  readonly keepAlive?: boolean;
  readonly createSocket?: Method;
}

/** Agents override `createSocket` and call the inherited one only after they have dialled (agent-base): the most derived one counts. */
const dialling = new MetClasses('createSocket', (owner) =>
  patch(owner, 'createSocket', owner === Agent.prototype ? createSocketOfNode : createSocket),
);

function watchDialling(agent: AgentInternals): void {
  dialling.meet(agent, agent.createSocket);
}

/** Watches `http.Agent`: who asks for a connection, whose request opens one, and what becomes of it afterwards. */
export function agentProbe(): () => void {
  const undo = [
    dialling.watch(),
    patch(Agent.prototype, 'addRequest', (original, layer) => {
      const observe = function addRequest(agent: Agent, req: ClientRequest, options: unknown) {
        const ctx = req.destroyed ? undefined : wantedContext();
        if (ctx !== undefined || isMeasuring()) watchDialling(agent);
        if (ctx === undefined) return;
        // An agent that returns another agent (agent-base), or asks one (global-agent), brings the request here a second time.
        if (RoundTrip.of(req) !== undefined || isTunnel(req)) return;
        beginRequest(req, ctx, new FirstHop(agent, req, options));
      };
      return function addRequest(this: Agent, req: ClientRequest, options: unknown) {
        if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
        try {
          observe(this, req, options);
        } catch (error) {
          failed(observe, error);
        }
        const before = asksAgent(req);
        try {
          return arguments.length === 2
            ? original.call(this, req, options)
            : original.apply(this, arguments as unknown as unknown[]);
        } catch (error) {
          // A port out of range, for example: nobody will hear of this request again.
          leaveQueue(req);
          RoundTrip.of(req)?.done(error as Error);
          throw error;
        } finally {
          askedAgent(before, this, req, options);
        }
      };
    }),
    patch(Agent.prototype, 'emit', (original, layer) => {
      return function emit(this: Agent, event: string, socket: PooledSocket, options: object) {
        if (event !== 'free' || !layer.active || !socket)
          return original.apply(this, arguments as unknown as unknown[]);
        const connection = Connection.of(socket);
        const req = socket._httpMessage;
        // It is over then: whether it could have been kept is asked before.
        const writable = RoundTrip.areRunning && socket.writable;
        givenBack(connection, req);
        const result =
          arguments.length === 3
            ? original.call(this, event, socket, options)
            : original.apply(this, arguments as unknown as unknown[]);
        try {
          freed(this, socket, connection, req, writable, options);
        } catch (error) {
          failed(freed, error);
        }
        return result;
      };
    }),
  ];
  watchDialling(Agent.prototype);
  return () => undoAll(undo);
}

/**
 * Gives the dial to its request. Node calls this in the asynchronous context of whatever made room for it: for a queued request that is
 * the closing of another request's socket, so the active context tells nothing.
 */
function createSocket(original: Method, layer: { active: boolean }): Method {
  return function createSocket(this: Agent, req: ClientRequest, options: unknown) {
    if (!layer.active) return original.apply(this, arguments as unknown as unknown[]);
    leaveQueue(req);
    const before = enterDials(dialOwner(req), measuredHop(this, req, options));
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      leaveDials(before);
    }
  };
}

/** The same of the one that all agents have from Node, which usually opens the socket before it returns. */
function createSocketOfNode(original: Method, layer: { active: boolean }): Method {
  const create = createSocket(original, layer);
  return function createSocket(this: Agent, req: ClientRequest, options: unknown) {
    if (!layer.active || !opensAtOnce(this) || isWithinDial())
      return create.apply(this, arguments as unknown as unknown[]);
    leaveQueue(req);
    const server = measuredHop(this, req, options);
    const before = expectDialNow(dialOwner(req), server, RoundTrip.areRunning, givesOpened(this, req));
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      endExpectation(before);
    }
  };
}

/** A request that was aborted in the queue dials all the same; the next in the queue will get the socket. */
function dialOwner(req: ClientRequest): RoundTrip | 'claimable' | undefined {
  return req.destroyed ? 'claimable' : (RoundTrip.of(req) ?? tunnelledFor(req));
}

/** Before the agent decides. A request that was aborted right after it was given the socket never used it. */
function givenBack(connection: Connection, req: PooledRequest | null | undefined): void {
  const isUsed = req?.res && req !== connection.formerUser;
  if (connection.isGiven && !isUsed) connection.requestCount--;
  connection.isGiven = false;
  connection.formerUser = undefined;
}

/**
 * After the agent has decided what becomes of a socket whose request is over.
 * @param req - whose it was, and what it was like, before the decision
 */
function freed(
  agent: AgentInternals,
  socket: PooledSocket,
  connection: Connection,
  req: PooledRequest | null | undefined,
  writable: boolean,
  options: object,
): void {
  const kept = connection.isGiven || !socket.destroyed;
  const roundTrip = req ? RoundTrip.of(req) : undefined;
  if (connection.isGiven && req && socket._httpMessage === req) connection.formerUser = req;
  // Null only in the pool, and not with an aborted request of the queue, which will free it once more.
  if (!connection.isGiven && kept && socket._httpMessage === null) connection.idleSince = now();
  if (roundTrip === undefined || !roundTrip.hasEndedBody) return;
  if (kept) roundTrip.trace?.putIdleConn?.();
  else if (agent.keepAlive && req?.shouldKeepAlive)
    roundTrip.trace?.putIdleConn?.(refusal(agent, options, writable));
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
