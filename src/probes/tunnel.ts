import type { ClientRequest } from 'node:http';
import { stamp } from '../stamp';
import type { RoundTrip } from './roundtrip';
import { dialOwner } from './scope';

/** The request for which a `CONNECT` makes a tunnel. */
const owners = stamp<ClientRequest, RoundTrip>();

/**
 * Whether a request is part of another's dial: agents make tunnels with a `CONNECT` request (tunnel). As in Go that has no hooks
 * of its own, and its connection is dialled for the request that will use the tunnel.
 */
export function isTunnel(req: ClientRequest): boolean {
  if (req.method !== 'CONNECT') return false;
  const owner = owners.get(req) === undefined ? dialOwner() : undefined;
  if (owner !== undefined) owners.set(req, owner);
  return owners.get(req) !== undefined;
}

/** For which request a tunnel is made. */
export function tunnelledFor(req: ClientRequest): RoundTrip | undefined {
  return req.method === 'CONNECT' ? owners.get(req) : undefined;
}
