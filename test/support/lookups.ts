import dns from 'node:dns';

type Lookup = (...args: unknown[]) => unknown;

/** Wraps `dns.lookup` as it is now, to count what reaches it; `restore` puts it back. */
export function countLookups(): { readonly queries: unknown[][]; restore(): void } {
  const target = dns as unknown as { lookup: Lookup };
  const original = target.lookup;
  const queries: unknown[][] = [];
  const { prototype: _, ...own } = Object.getOwnPropertyDescriptors(original);
  target.lookup = Object.defineProperties(function (this: unknown, ...args: unknown[]) {
    queries.push(args);
    return original.apply(this, args);
  }, own as PropertyDescriptorMap);
  return {
    queries,
    restore: () => {
      target.lookup = original;
    },
  };
}

/** Replaces `dns.lookup` for a while. */
export function replaceLookup(lookup: Lookup): () => void {
  const target = dns as unknown as { lookup: Lookup };
  const original = target.lookup;
  target.lookup = lookup;
  return () => {
    target.lookup = original;
  };
}

/** What a lookup answered: the callback's arguments. */
export function ask(...args: unknown[]): Promise<unknown[]> {
  return new Promise((resolve) => {
    (dns.lookup as Lookup)(...args, (...answer: unknown[]) => resolve(answer));
  });
}
