import { ClientRequest } from 'node:http';
import { ownerOf } from './patch';

/** Node's own prototype of client requests. Libraries that mock requests (nock, msw) put a class of their own in its place, which extends it. */
export const CLIENT_REQUEST: object = ownerOf(ClientRequest.prototype, 'onSocket') ?? ClientRequest.prototype;

/** Whether it is a client request, by whatever class it was made. */
export function isClientRequest(req: unknown): req is ClientRequest {
  return typeof req === 'object' && req !== null && Object.prototype.isPrototypeOf.call(CLIENT_REQUEST, req);
}
