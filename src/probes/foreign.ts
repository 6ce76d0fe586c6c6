import type { ClientRequest } from 'node:http';
import type { Context } from '@opentelemetry/api';
import { context } from '../api';
import { now } from '../clock';

import { stamp } from '../stamp';
import { wantedContext } from '../tracing';
import { CLIENT_REQUEST, isClientRequest } from './clientrequest';
import { FirstHop, measuredHop } from './firsthop';
import { beginRequest } from './latespan';
import { MetClasses } from './met';
import { isAskedAsNodes } from './nodeagent';
import { guarded, type Layer, type Method, patch, undoAll } from './patch';
import { RoundTrip } from './roundtrip';
import { enterDials, leaveDials } from './scope';
import { isTunnel, tunnelledFor } from './tunnel';

/** The circumstances in which a request was made that asks no `http.Agent` for its connection. */
export interface Making {
  readonly ctx: Context;
  readonly time: number;
}

const makings = stamp<ClientRequest, Making>();

/** When and by whom such a request was made; undefined if that was not seen. */
export function makingOf(req: ClientRequest): Making | undefined {
  return makings.get(req);
}

/** Requests that have asked an agent of this kind, traced or not. */
const asked = stamp<ClientRequest, true>();

/** Whether the moment at which the request asked for a connection was seen. */
export function wasAsked(req: ClientRequest): boolean {
  return asked.get(req) === true;
}

/** The classes of such agents, and the agents that have none. */
const agents = new MetClasses('addRequest', (owner) => {
  const undo = [patch(owner, 'addRequest', addRequest)];
  if (Object.hasOwn(owner, 'createSocket')) undo.push(patch(owner, 'createSocket', createSocket));
  return () => undoAll(undo);
});

const meet = guarded(function foreignAgent(this: ClientRequest & { readonly agent?: object }) {
  if (makings.get(this) === undefined) makings.set(this, { ctx: context.active(), time: now() });
  if (this.agent) agents.meet(this.agent);
});

/**
 * Watches agents that are no `http.Agent`: tunnel, global-agent, agent-base before version 7; those that override how they are asked; and requests that have none.
 *
 * There is no common prototype to patch, so they are met on the way: in the constructor of `ClientRequest`, which looks for a `Host` header, or stores
 * the header if it was given as an array, before it asks the agent (20 to 26).
 */
export function foreignAgentProbe(): () => void {
  const undo = [
    agents.watch(),
    patch(CLIENT_REQUEST, 'getHeader', (original, layer) => {
      return function getHeader(this: ClientRequest & { readonly agent?: object }, name: unknown) {
        if (name === 'host' && layer.active && !isAskedAsNodes(this.agent)) meet.call(this);
        return arguments.length === 1
          ? original.call(this, name)
          : original.apply(this, arguments as unknown as unknown[]);
      };
    }),
    patch(CLIENT_REQUEST, '_storeHeader', (original, layer) => {
      return function _storeHeader(
        this: ClientRequest & { readonly agent?: object },
        _firstLine: unknown,
        headers: unknown,
      ) {
        if (Array.isArray(headers) && layer.active && !isAskedAsNodes(this.agent)) meet.call(this);
        return original.apply(this, arguments as unknown as unknown[]);
      };
    }),
  ];
  return () => undoAll(undo);
}

const ask = guarded(function addRequest(this: object, req: ClientRequest, options: unknown) {
  asked.set(req, true);
  const ctx = req.destroyed ? undefined : wantedContext();
  if (ctx === undefined || RoundTrip.of(req) !== undefined || isTunnel(req)) return;
  beginRequest(req, ctx, new FirstHop(this, req, options));
});

function addRequest(original: Method, layer: Layer): Method {
  return function addRequest(this: object, req: unknown, options: unknown) {
    if (!layer.active || !isClientRequest(req))
      return original.apply(this, arguments as unknown as unknown[]);
    ask.call(this, req, options);
    const before = enterDials(RoundTrip.of(req) ?? tunnelledFor(req), measuredHop(this, req, options));
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } catch (error) {
      // The constructor of the request throws it to the application, which gets no request that could have an end.
      if (error instanceof Error) RoundTrip.of(req)?.done(error);
      throw error;
    } finally {
      leaveDials(before);
    }
  };
}

/** The agents of tunnel dial for a queued request when the socket of another one closes, in that one's asynchronous context. */
function createSocket(original: Method, layer: Layer): Method {
  return function createSocket(this: object, options: { readonly request?: unknown } | undefined) {
    const req = options?.request;
    if (!layer.active || !isClientRequest(req))
      return original.apply(this, arguments as unknown as unknown[]);
    const owner = RoundTrip.of(req);
    const server = measuredHop(this, req, options);
    if (owner === undefined && server === undefined)
      return original.apply(this, arguments as unknown as unknown[]);
    const before = enterDials(owner, server);
    try {
      return original.apply(this, arguments as unknown as unknown[]);
    } finally {
      leaveDials(before);
    }
  };
}
