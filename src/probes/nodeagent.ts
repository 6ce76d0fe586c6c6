import { Agent } from 'node:http';

// A constant, unlike a property of the module, which instrumentations change.
const NodeAgent = Agent;

/** Whether an agent is one of Node's, or extends them. */
export function isNodeAgent(agent: unknown): agent is Agent {
  return agent instanceof NodeAgent;
}
