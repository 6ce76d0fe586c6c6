import { isIP, type LookupFunction } from 'node:net';
import { gate } from './gate';

/** A lookup that answers every name with these addresses, a tick later, in this order. */
export function lookupOf(...addresses: string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    setImmediate(() => {
      const [first] = answers;
      if (options.all) callback(null, answers);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
}

/** A lookup that answers no name, with Node's own error. */
export const unknownName: LookupFunction = (hostname, _options, callback) => {
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), {
    errno: -3008,
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname,
  });
  setImmediate(() => callback(error, []));
};

/** A lookup that is held from the nth on until it is told to answer, and that counts. */
export interface HeldLookup {
  readonly lookup: LookupFunction;
  /** How many there were. */
  count: number;
  /** Resolves when the nth is asked. */
  readonly asked: Promise<void>;
  answer(): void;
}

/** @param lookup - what answers in the end */
export function heldLookup(nth = 1, lookup = lookupOf('127.0.0.1')): HeldLookup {
  const [asked, mayAnswer] = [gate(), gate()];
  const held: HeldLookup = {
    lookup: (...args) => {
      if (++held.count < nth) return lookup(...args);
      asked.open();
      void mayAnswer.opened.then(() => lookup(...args));
    },
    count: 0,
    asked: asked.opened,
    answer: () => mayAnswer.open(),
  };
  return held;
}
