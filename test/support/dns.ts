import { isIP, type LookupFunction } from 'node:net';

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
