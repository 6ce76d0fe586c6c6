import { ClientRequest, type IncomingMessage } from 'node:http';
import type { Parser } from './firstbyte';
import type { WrittenHead } from './head';
import { ownerOf } from './patch';

/** Node's own prototype of client requests. Libraries that mock requests (nock, msw) put a class of their own in its place, which extends it. */
export const CLIENT_REQUEST: object = ownerOf(ClientRequest.prototype, 'onSocket') ?? ClientRequest.prototype;

/** Whether it is a client request, by whatever class it was made. */
export function isClientRequest(req: unknown): req is ClientRequest {
  return typeof req === 'object' && req !== null && Object.prototype.isPrototypeOf.call(CLIENT_REQUEST, req);
}

/** What Node's client requests have and its types do not tell. */
export interface Request extends ClientRequest, WrittenHead {
  readonly agent: unknown;
  readonly parser?: Parser | null;
  readonly res?: (IncomingMessage & { readonly upgrade?: boolean | null }) | null;
}
