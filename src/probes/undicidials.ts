import { executionAsyncId } from 'node:async_hooks';
import { isIP, type Socket } from 'node:net';
import { willMeasure } from '../measuring';
import { unclaimedDials } from './opening';
import { guarded } from './patch';
import type { RoundTrip } from './roundtrip';
import { expectDial, expectedDial, type Scope } from './scope';
import type { UndiciMessages, UndiciRequest } from './undicimessages';

/** Of some dials undici does not tell that they ended: those of a client that is destroyed meanwhile. */
const MOST_UNCLAIMED = 100;

/** Kept: an application that fakes it in its tests does not stop ours. */
const endOfTurn = setImmediate;

/** A dial that is nobody's yet. */
interface Unclaimed {
  readonly scope: Scope;
  readonly host: string;
  readonly port: number;
}

/** A request that was made last, and in which callback. */
interface Latest {
  readonly request: UndiciRequest;
  readonly roundTrip: RoundTrip | undefined;
  readonly asyncId: number;
}

/**
 * Whose dials undici's are. It says when it is about to open a connection, but not for which request.
 *
 * Usually a request is made and its connection opened in one go. Otherwise (a client with a queue connects again; a body that is iterable) the dial waits
 * for the request that is the first to be sent on it, or fails with its error.
 */
export class UndiciDials {
  #latest: Latest | undefined;
  #unclaimed: Unclaimed[] = [];
  /** Requests without a connection, in the order in which they were made. */
  readonly #waiting = new Set<RoundTrip>();
  /** The newest of them, which is not kept with the others: usually it has one in the same go. */
  #newest: RoundTrip | undefined;

  /** @param roundTrip - undefined if nobody follows it */
  created(request: UndiciRequest, roundTrip: RoundTrip | undefined): void {
    // Whoever opens a connection now has no part in it.
    if (roundTrip === undefined && !this.#doesAnyWait) {
      this.#latest = undefined;
      return;
    }
    this.#latest = { request, roundTrip, asyncId: executionAsyncId() };
    if (roundTrip === undefined) return;
    if (this.#newest !== undefined) this.#waiting.add(this.#newest);
    this.#newest = roundTrip;
  }

  get #doesAnyWait(): boolean {
    return this.#newest !== undefined || this.#waiting.size > 0;
  }

  /** Whether it had waited until now. */
  #stopsWaiting(roundTrip: RoundTrip): boolean {
    if (this.#newest !== roundTrip) return this.#waiting.delete(roundTrip);
    this.#newest = undefined;
    return true;
  }

  /** Whether a request just made is the `CONNECT` of a ProxyAgent: part of the dial of another one, which is about to be made. */
  isTunnel(request: UndiciRequest): boolean {
    return request.method === 'CONNECT' && expectedDial() !== undefined;
  }

  /** A connection is about to be opened. */
  expect({ connectParams }: UndiciMessages['client:beforeConnect']): void {
    const { hostname: host, protocol } = connectParams;
    const port = Number(connectParams.port) || (protocol === 'https:' ? 443 : 80);
    const server = willMeasure() ? { host, port } : undefined;
    // undici 8 has a name that its dns interceptor has looked up "answered" by a lookup function of its own, so that TLS sees the name.
    const isResolved = isIP(host) !== 0;
    const outer = expectedDial();
    // It is that of a proxy, inside of another's dial.
    if (outer !== undefined) return void Object.assign(outer, { server, isResolved });
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest?.asyncId === executionAsyncId())
      return expectDial({ owner: latest.roundTrip, server, isResolved });
    const claimable = this.#doesAnyWait;
    const scope: Scope = { owner: undefined, server, isResolved, claimable };
    expectDial(scope);
    if (!claimable) return;
    this.#unclaimed = this.#unclaimed.filter(isUnclaimed).slice(-MOST_UNCLAIMED);
    this.#unclaimed.push({ scope, host, port });
  }

  /**
   * A connection has been made, or could not be made (then there is no socket). Whoever waited for it hears of that in this turn of the event loop; nobody who asks later
   * had a part in it.
   */
  ended(socket?: Socket): void {
    if (this.#unclaimed.length > 0) endOfTurn(dropUnclaimed, this, socket).unref();
  }

  /** What is over, and was not claimed, is nobody's. */
  drop(socket: Socket | undefined): void {
    if (socket !== undefined) for (const dial of unclaimedDials(socket)) dial.keep(false);
    for (const { scope } of this.#unclaimed)
      if (scope.latest?.failure !== undefined) scope.latest.keep(false);
    this.#unclaimed = this.#unclaimed.filter(isUnclaimed);
  }

  /** A request is sent, which somebody follows: the first one on a connection is given what is nobody's of its dial. */
  sent(request: UndiciRequest, roundTrip: RoundTrip, socket: Socket): void {
    this.settled(request);
    if (!this.#stopsWaiting(roundTrip) || this.#unclaimed.length === 0) return;
    for (const dial of unclaimedDials(socket)) dial.claim(roundTrip);
  }

  /** A request has no need of a dial any more. */
  settled(request: UndiciRequest): void {
    if (this.#latest?.request === request) this.#latest = undefined;
  }

  /**
   * A request failed. If it had no connection, a dial that failed with the same error was its own; or, if it has had none, one to where it wanted
   * to go, if nobody waits longer for it.
   */
  failed(request: UndiciRequest, roundTrip: RoundTrip, error: unknown): void {
    this.settled(request);
    const mayOwn = roundTrip.dials === undefined && this.#isFirst(roundTrip);
    if (!this.#stopsWaiting(roundTrip)) return;
    const { cause } = (error ?? {}) as { cause?: unknown };
    const unclaimed = this.#unclaimed.filter(isUnclaimed);
    const own =
      unclaimed.find(({ scope: { latest } }) => latest?.failure && [error, cause].includes(latest.failure)) ??
      (mayOwn ? unclaimed.find((each) => goesTo(each, roundTrip)) : undefined);
    if (own?.scope.latest !== undefined) own.scope.latest.claim(roundTrip);
  }

  #isFirst(roundTrip: RoundTrip): boolean {
    for (const each of this.#waiting) if (goesTo(each, roundTrip)) return each === roundTrip;
    return this.#newest === roundTrip;
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function goesTo(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port;
}

function isUnclaimed({ scope }: Unclaimed): boolean {
  return scope.latest?.isUnclaimed !== false;
}

const dropUnclaimed = guarded((dials: UndiciDials, socket: Socket | undefined) => dials.drop(socket));
