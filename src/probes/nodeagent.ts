import { Agent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

interface AgentInternals {
  readonly addRequest?: unknown;
  readonly createConnection?: unknown;
  readonly options?: { readonly proxyEnv?: unknown };
}

// Constants, unlike properties of modules and prototypes, which instrumentations change.
const NodeAgent = Agent;
const prototype: AgentInternals = NodeAgent.prototype;
const { createConnection: createHttp } = prototype;
const { createConnection: createHttps } = HttpsAgent.prototype;

/** Whether an agent is asked for connections as Node's own are. */
export function isAskedAsNodes(agent: unknown): boolean {
  const addRequest = (agent as AgentInternals | null | undefined)?.addRequest;
  return addRequest !== undefined && addRequest === prototype.addRequest;
}

/** Whether an agent is one of Node's, or extends them. */
export function isNodeAgent(agent: unknown): agent is Agent {
  // Asked first: `instanceof` takes V8 some 700 instructions, several times a request.
  return isAskedAsNodes(agent) || agent instanceof NodeAgent;
}

/** Whether an agent opens its sockets as Node's own do: in one go, but for a tunnel through a proxy. */
export function opensAtOnce({ createConnection, options }: AgentInternals): boolean {
  return (createConnection === createHttp || createConnection === createHttps) && !options?.proxyEnv;
}

/** Whether such an agent gives a socket that it opens to the request itself: a tunnel is another's as well, and whoever overrides `addRequest` may do as they like. */
export function givesOpened(agent: Agent, { method }: ClientRequest): boolean {
  return isAskedAsNodes(agent) && method !== 'CONNECT';
}
