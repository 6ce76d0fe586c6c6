import type { IncomingMessage } from 'node:http';

/** A response that has arrived, but not at whoever is reading it: its end will still come. */
export function isBeingRead(res: IncomingMessage & { readonly upgrade?: boolean | null }): boolean {
  // An upgrade that nobody listens for is given to nobody.
  return res.complete && !res.upgrade && !res.readableEnded && !res.destroyed && hasReader(res);
}

/** Without a reader the end may never come: some clients (needle, of a redirect) leave a response for its connection to time out. */
function hasReader(res: IncomingMessage): boolean {
  return res.readableFlowing !== null || res.listenerCount('readable') > 0;
}
