import dns from 'node:dns';
import { isIP } from 'node:net';

const FAMILIES = new Map<unknown, number>([
  [undefined, 0],
  [0, 0],
  [4, 4],
  [6, 6],
  ['IPv4', 4],
  ['IPv6', 6],
]);
const ORDERS: readonly unknown[] = ['verbatim', 'ipv4first', 'ipv6first'];
const KNOWN: readonly string[] = ['family', 'hints', 'all', 'verbatim', 'order'];

/**
 * What the arguments of `dns.lookup` ask: two calls with the same are given the same answer.
 *
 * @returns undefined for whatever Node should look at by itself, and perhaps refuse, and for an IP address, which is no question
 */
export function questionOf(args: readonly unknown[]): string | undefined {
  const [host, given] = args;
  if (typeof host !== 'string' || host === '' || isIP(host) !== 0) return undefined;
  if (args.length < 2 || args.length > 3 || typeof args.at(-1) !== 'function') return undefined;
  const options = args.length === 2 ? {} : typeof given === 'number' ? { family: given } : (given ?? {});
  if (typeof options !== 'object') return undefined;
  try {
    const wanted = wantedOf(options);
    return wanted && JSON.stringify([host, ...wanted]);
  } catch {
    // The options are a stranger's, with getters that throw: Node reads them too.
    return undefined;
  }
}

function wantedOf(options: object): unknown[] | undefined {
  if (!Object.keys(options).every((name) => KNOWN.includes(name))) return undefined;
  const { family, hints = 0, all = false, verbatim, order } = options as Record<string, unknown>;
  if (!FAMILIES.has(family) || !Number.isInteger(hints) || typeof all !== 'boolean') return undefined;
  const effective = effectiveOrder(order, verbatim);
  return effective === undefined ? undefined : [FAMILIES.get(family), hints, all, effective];
}

/** In which order the addresses come; the default can be changed at any time. */
function effectiveOrder(order: unknown, verbatim: unknown): string | undefined {
  // Node 20.12 does not know `order` yet: with both it depends on the version which of them counts.
  if (order !== undefined)
    return verbatim === undefined && ORDERS.includes(order) ? String(order) : undefined;
  if (verbatim === undefined) return dns.getDefaultResultOrder();
  if (typeof verbatim !== 'boolean') return undefined;
  return verbatim ? 'verbatim' : 'ipv4first';
}
