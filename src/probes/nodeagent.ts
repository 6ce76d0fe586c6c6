import { Agent } from 'node:http';

// A constant, unlike a property of the module, which instrumentations change.
const NodeAgent = Agent;
const prototype = NodeAgent.prototype as Agent & { readonly addRequest?: unknown };

/** Whether an agent is one of Node's, or extends them. */
export function isNodeAgent(agent: unknown): agent is Agent {
  // Nearly all of them have its method, and `instanceof` takes V8 some 700 instructions, several times a request.
  const addRequest = (agent as { readonly addRequest?: unknown } | null | undefined)?.addRequest;
  return (addRequest !== undefined && addRequest === prototype.addRequest) || agent instanceof NodeAgent;
}
