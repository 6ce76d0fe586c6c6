import { EventEmitter } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { now } from '../clock';
import { Connection } from '../connection';
import { type Server, willMeasure } from '../measuring';
import { Returned } from '../stamp';
import type { Dial } from './dial';
import { asciiHost, type Target } from './hostport';
import { countOpen } from './openconnections';
import { unclaimedDials } from './opening';
import { RoundTrip } from './roundtrip';
import { dialFor, hopOf } from './sockets';
import { isConnectedByUndici, sentAsStream } from './undicih2';
import { isUndiciSocket } from './undicisockets';

/** Where it is remembered: in a private field of the session. A stamp, written out, because every request asks. */
class OfSession extends Returned {
  #session: Session;

  private constructor(key: ClientHttp2Session, session: Session) {
    super(key);
    this.#session = session;
  }

  static get(key: ClientHttp2Session | OfSession): Session | undefined {
    return #session in key ? key.#session : undefined;
  }

  static set(key: ClientHttp2Session | OfSession, session: Session): void {
    if (#session in key) key.#session = session;
    else new OfSession(key, session);
  }
}

/**
 * What is remembered of a client session: its connection, who made it, and how many streams are open.
 *
 * Kept for every session, traced or not, from its construction on; one that is older is met at the next request made of it.
 */
export class Session {
  readonly #watch: object;
  readonly #socket: Socket;
  #target: Target | undefined;
  #dials: readonly Dial[] = [];
  #open = 0;

  /**
   * What is remembered of a session that is being constructed, or about to make a request.
   * @param watch - whoever asks: what was remembered for another one may have changed unseen
   */
  static of(session: ClientHttp2Session, watch: object): Session {
    const known = OfSession.get(session);
    if (known !== undefined && known.#watch === watch) return known;
    const met = new Session(session, watch);
    OfSession.set(session, met);
    return met;
  }

  private constructor(session: ClientHttp2Session, watch: object) {
    this.#watch = watch;
    this.#socket = socketOf(session);
    const server = willMeasure() ? hopOf(this.#socket) : undefined;
    if (session.connecting) this.#watchDial(dialFor(this.#socket, undefined, server), server);
    else if (server !== undefined) countOpen(this.#socket, this.#connection, server);
    this.#dials = unclaimedDials(this.#socket);
    // Its streams have odd numbers, from 1 on.
    if ((session.state.nextStreamID ?? 1) > 1) this.#connection.counted = false;
  }

  #watchDial(dial: Dial, server: Server | undefined): void {
    dial.keep(true);
    dial.whenReady(undefined, () => {
      if (this.#open === 0) this.#connection.idleSince = now();
      if (server !== undefined) countOpen(this.#socket, this.#connection, server);
    });
  }

  get #connection(): Connection {
    return Connection.of(this.#socket);
  }

  /** Its streams are requests of undici's, which has a probe of its own. */
  get isUndicis(): boolean {
    return isUndiciSocket(this.#socket);
  }

  /** The same, but that probe does not see when they are sent. */
  get isOfUndici6(): boolean {
    return isConnectedByUndici(this.#socket) && !this.isUndicis;
  }

  /** A stream is a request of undici's. */
  adopt(stream: object): void {
    const roundTrip = sentAsStream(this.#socket);
    if (roundTrip !== undefined) RoundTrip.adopt(stream, roundTrip);
  }

  /** Gives what made the connection to the first stream, and to none of the others; undefined if nobody follows that one. */
  giveDials(first: RoundTrip | undefined): void {
    const dials = this.#dials;
    if (dials.length === 0) return;
    this.#dials = [];
    for (const dial of dials)
      if (first === undefined) dial.keep(false);
      else dial.claim(first);
  }

  /** Where the connection goes; the authority of a request is asked if that was not seen, or is a Unix socket. */
  target(authority: unknown): Target {
    if (this.#target !== undefined) return this.#target;
    const protocol = this.#socket instanceof TLSSocket ? 'https:' : 'http:';
    const hop = hopOf(this.#socket);
    if (hop === undefined) return { protocol, ...hopIn(String(authority), protocol) };
    this.#target = { protocol, ...hop };
    return this.#target;
  }

  /** A stream is opened: its request has the connection, and shares it with the others. */
  open(roundTrip: RoundTrip | undefined): void {
    const connection = this.#connection;
    const { idleSince } = connection;
    const reused = connection.requestCount > 0 || !connection.counted;
    connection.requestCount++;
    connection.idleSince = 0;
    this.#open++;
    // It is idle as well while it waits for its first stream, but not in Go's sense.
    const idle = reused ? idleSince : 0;
    roundTrip?.gotConn(this.#socket, connection, reused, idle > 0, idle);
  }

  /** A stream is over. */
  release(): void {
    if (--this.#open === 0) this.#connection.idleSince = now();
  }
}

function hopIn(authority: string, protocol: string): Server {
  const { hostname, port } = new URL(`${protocol}//${authority}`);
  return { host: asciiHost(hostname), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

const NOTHING = Symbol('nothing');

/** `session.socket` is a proxy, through which no private field can be read; but a method that returns its emitter returns the socket itself. */
function socketOf(session: ClientHttp2Session): Socket {
  return session.socket.off(NOTHING as unknown as string, () => {}) as Socket;
}

/**
 * The prototype of client sessions, which `node:http2` does not export: that of a session over an object that plays a socket which never connects.
 * So all sessions are seen, whoever has imported `connect` before us, and in whatever way.
 */
export function sessionPrototype(): object {
  const socket = Object.assign(new EventEmitter(), { connecting: true, _handle: { isStreamBase: true } });
  const createConnection = () => socket as unknown as Duplex;
  return Object.getPrototypeOf(connect('http://localhost', { createConnection }));
}
