import type { Agent, ClientRequest } from 'node:http';
import { now } from '../clock';
import { isMeasuring, leftQueue, type Server } from '../measuring';
import { stamp } from '../stamp';
import { FirstHop } from './firsthop';
import { guarded } from './patch';

interface Wait {
  readonly since: number;
  readonly server: Server;
}

/** Requests in the queue of an agent. */
const waits = stamp<ClientRequest, Wait | undefined>();
let waiting = 0;

/** The request that is asking its agent for a connection. */
let asking: ClientRequest | undefined;

/**
 * From here to {@link askedAgent} the request asks its agent for a connection. One that by then was neither given a socket nor had one opened is in the queue: an agent does not say.
 *
 * @returns what `askedAgent` must be given
 */
export function asksAgent(req: ClientRequest): ClientRequest | undefined {
  const before = asking;
  asking = req;
  return before;
}

/** @param before - what `asksAgent` returned */
export function askedAgent(
  before: ClientRequest | undefined,
  agent: Agent,
  req: ClientRequest,
  options: unknown,
): void {
  const isQueued = asking === req && isMeasuring();
  asking = before;
  if (isQueued) queued(agent, req, options);
}

const queued = guarded(function queue(this: unknown, agent: Agent, req: ClientRequest, options: unknown) {
  waits.set(req, { since: now(), server: new FirstHop(agent, req, options) });
  waiting++;
});

/** A request is given a socket, or has one opened. One that was aborted in the queue stays there, in Node, until its turn has come. */
export function leaveQueue(req: ClientRequest): void {
  if (asking === req) asking = undefined;
  if (waiting === 0) return;
  const wait = waits.get(req);
  if (wait === undefined) return;
  waits.set(req, undefined);
  waiting--;
  leftQueue(wait.server, now() - wait.since);
}
