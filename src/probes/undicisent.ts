import type { Socket } from 'node:net';
import type { Connection } from '../connection';
import { Returned } from '../stamp';
import type { RawHeaders, UndiciRequest } from './undicimessages';

/** A request on its connection, followed or not. */
export interface Sent {
  readonly socket: Socket;
  readonly connection: Connection;
  readonly isH2: boolean;
  response?: RawHeaders;
}

/** Where it is found: in a private field of the request. A stamp, written out, because every request asks. */
export class SentRequest extends Returned {
  #sent: Sent | undefined;

  private constructor(request: object, sent: Sent) {
    super(request);
    this.#sent = sent;
  }

  static get(request: UndiciRequest | SentRequest): Sent | undefined {
    return #sent in request ? request.#sent : undefined;
  }

  static set(request: UndiciRequest | SentRequest, sent: Sent): void {
    try {
      // Not asked first whether it has been sent before: V8 is slow to find nothing.
      new SentRequest(request, sent);
    } catch {
      (request as SentRequest).#sent = sent;
    }
  }

  /** Finds it for the last time. */
  static take(request: UndiciRequest | SentRequest): Sent | undefined {
    if (!(#sent in request)) return undefined;
    const sent = request.#sent;
    request.#sent = undefined;
    return sent;
  }
}
