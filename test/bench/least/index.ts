import { watchConnections } from './connections';
import { tell } from './progress';
import { watchRequests } from './requests';
import type { Teller } from './told';

/*
 * The least program that tells the same: what a request costs more with it is what no other can go below by much. Whatever it does of its own has a `try` around it, what it remembers is in private fields, and
 * it knows the end of a body and of a request as this package does, so that it does not change the program it watches. But it knows only plain HTTP over TCP, by one of Node's own agents, when all goes well, and no
 * request while another one's connection is made; it has one mode, no options, and cannot be taken back. What is remembered of a connection, and the facts that are told of it, it has from this package.
 */

/** From now on all requests are told of. */
export function watch(toldBy: Teller): void {
  tell(toldBy);
  watchConnections();
  watchRequests();
}
