import { MetClasses } from './met';
import { failed, type Layer, type Method, patch } from './patch';
import { RoundTrip } from './roundtrip';

/** Node's parser, which each socket in use has: whose response it reads. */
export interface Parser {
  readonly outgoing?: object | null;
  execute?(data: unknown): unknown;
}

const parsers = new MetClasses('execute', (owner) => patch(owner, 'execute', execute));

/**
 * Watches the first byte of responses arriving: in front of the parser (`HTTPParser`), to which Node (20 to 26) hands what a client's socket receives.
 *
 * A `data` listener on the socket, put there for each request and taken away again, would cost more than all else that is done for it.
 */
export function firstByteProbe(): () => void {
  return parsers.watch();
}

/** Parsers are not exported: they are met with the first request that has one. */
export function watchParser(parser: Parser | null | undefined): void {
  if (parser) parsers.meet(parser, parser.execute);
}

function execute(original: Method, layer: Layer): Method {
  return function execute(this: Parser, data: unknown) {
    if (layer.active && RoundTrip.areRunning) firstByte(this.outgoing);
    if (arguments.length === 1) return original.call(this, data);
    return original.apply(this, arguments as unknown as unknown[]);
  };
}

function firstByte(req: object | null | undefined): void {
  try {
    if (req) RoundTrip.of(req)?.gotFirstResponseByte();
  } catch (error) {
    failed(firstByte, error);
  }
}
