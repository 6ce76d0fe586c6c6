import { AsyncLocalStorage } from 'node:async_hooks';
import type { Server } from '../measuring';
import type { Dial } from './dial';
import type { RoundTrip } from './roundtrip';

/** Whose sockets are being opened; claimable: nobody's yet, but an HTTP request will be given the socket. */
export interface Scope {
  owner: RoundTrip | undefined;
  /** Where they lead, if they are to be measured. */
  server?: Server | undefined;
  readonly claimable?: boolean;
  /** The socket is given to the owner's request as soon as it is opened: what fails it fails the request, at the same time and with the same error. */
  readonly failsWithRequest?: boolean;
  /** The name of the host was looked up before, whatever the socket is told. */
  isResolved?: boolean;
  latest?: Dial;
}

/** That of a request which nobody follows, nor will another request that is running now: what it opens is none of anybody's. */
export const NOBODYS: Scope = { owner: undefined };

/** A key of its own: under the key of `withClientTrace` every socket the application opens would be reported. */
const scopes = new AsyncLocalStorage<Scope | undefined>();

/** Most programs have no agent that needs it, and to look into it is not free. */
let isStoreUsed = false;

function stored(): Scope | undefined {
  return isStoreUsed ? scopes.getStore() : undefined;
}

/**
 * From here to {@link leaveDials} sockets that are opened, also later in their asynchronous context, belong to `owner` until
 * {@link RoundTrip.leaveScope}; without one they are not observed, not even within another request's dial, unless they are to be measured.
 *
 * No function is taken to be run within: some agents (agent-base) find out about https by the ten frames of a stack trace, so ours must be few.
 *
 * @param server - where they lead, if somebody measures
 * @returns what `leaveDials` must be given
 */
export function enterDials(owner: RoundTrip | 'claimable' | undefined, server?: Server): Scope | undefined {
  if (owner === 'claimable') return enter({ owner: undefined, claimable: true, server });
  if (owner === undefined) return enter(server && { owner, server });
  owner.scope ??= { owner, server };
  return enter(owner.scope);
}

/** A request that nobody follows has its socket: what is opened from here on in its asynchronous context is not to be measured. */
export function leaveMeasuredScope(): void {
  const scope = stored();
  if (scope !== undefined && scope.owner === undefined) emptyScope(scope);
}

export function emptyScope(scope: Scope): void {
  scope.owner = undefined;
  scope.server = undefined;
}

/** Back to what was before {@link enterDials}. */
export function leaveDials(before: Scope | undefined): void {
  enter(before);
}

/** Whether what is done now is done in the asynchronous context of a dial. */
export function isWithinDial(): boolean {
  return stored() !== undefined;
}

function enter(scope: Scope | undefined): Scope | undefined {
  const before = stored();
  if (before !== scope) {
    isStoreUsed = true;
    scopes.enterWith(scope);
  }
  return before;
}

/** The scope of the socket that is opened next, if that was told. */
let expected: Scope | undefined;

/**
 * The next socket belongs to this scope, if it is opened before anything asynchronous happens. For clients that tell when they are about to open one
 * (undici), and call no function of theirs that could be wrapped.
 */
export function expectDial(scope: Scope): void {
  expected = scope;
  queueMicrotask(() => {
    if (expected === scope) expected = undefined;
  });
}

/**
 * The same from here to {@link endExpectation}, for those that open it in one go: Node's own agents. It costs a fraction of an asynchronous
 * context, and nothing of it stays with the socket.
 *
 * @returns what `endExpectation` must be given
 */
export function expectDialNow(
  owner: RoundTrip | 'claimable' | undefined,
  server: Server | undefined,
  isFollowed: boolean,
  failsWithRequest: boolean,
): Scope | undefined {
  const before = expected;
  if (owner === 'claimable') expected = { owner: undefined, claimable: true, server };
  else if (owner === undefined && server === undefined && !isFollowed) expected = NOBODYS;
  else expected = { owner, server, failsWithRequest };
  return before;
}

export function endExpectation(before: Scope | undefined): void {
  expected = before;
}

/** What {@link expectDial} was told, until the socket is opened. */
export function expectedDial(): Scope | undefined {
  return expected;
}

/** The scope of a call of `connect`. */
export function scopeOfDial(): Scope | undefined {
  const scope = expected ?? currentScope();
  expected = undefined;
  return scope;
}

/** Whose dial is running. */
export function dialOwner(): RoundTrip | undefined {
  const owner = stored()?.owner;
  return owner?.trace === undefined ? undefined : owner;
}

/** The scope of a socket that is being opened now; none for one that a lookup opens to find an answer, such as DNS over HTTPS. */
export function currentScope(): Scope | undefined {
  const scope = stored();
  return scope?.latest?.lookup?.resolution === undefined ? scope : undefined;
}
