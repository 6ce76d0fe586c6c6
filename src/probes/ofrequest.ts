import { Returned } from '../stamp';
import type { RoundTrip } from './roundtrip';

/** Where a round trip is found: in a private field of its request. A stamp, written out, because every event of every request asks. */
export class OfRequest extends Returned {
  #roundTrip: RoundTrip;

  private constructor(request: object, roundTrip: RoundTrip) {
    super(request);
    this.#roundTrip = roundTrip;
  }

  static get(request: object): RoundTrip | undefined {
    return #roundTrip in request ? (request as OfRequest).#roundTrip : undefined;
  }

  static set(request: object, roundTrip: RoundTrip): void {
    try {
      // Not asked first whether it has one: V8 is slow to find nothing.
      new OfRequest(request, roundTrip);
    } catch {
      (request as OfRequest).#roundTrip = roundTrip;
    }
  }
}
