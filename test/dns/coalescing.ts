/** A process whose lookups are coalesced; each test counts the queries anew. */
import dns from 'node:dns';
import { after, beforeEach } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { countLookups } from '../support/lookups';

export type Lookup = (...args: unknown[]) => unknown;

/** Node's own. */
export const node = dns.lookup as Lookup;
const counted = countLookups();
export const { queries } = counted;
export const ours = new HttpTraceInstrumentation({ mode: 'off', coalesceLookups: true });
/** What an application calls. */
export const lookup: Lookup = (...args) => (dns.lookup as Lookup)(...args);

beforeEach(() => {
  queries.length = 0;
});
after(() => {
  ours.disable();
  counted.restore();
});
