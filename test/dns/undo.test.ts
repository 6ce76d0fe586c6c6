/** What is patched in `node:dns` looks like Node's own, and nothing is left of it. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import { ask, countLookups, replaceLookup } from '../support/lookups';

const { queries, restore } = countLookups();
const untouched = descriptors();
const ours = new HttpTraceInstrumentation({ mode: 'off', coalesceLookups: true });
const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));
after(() => {
  ours.disable();
  restore();
});

function descriptors(): unknown[] {
  const names = ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny'];
  return [dns, dns.Resolver.prototype, dns.promises, dns.promises.Resolver.prototype].map((owner) =>
    names.map((name) => {
      const descriptor = Object.getOwnPropertyDescriptor(owner, name);
      return descriptor && [descriptor, shape(descriptor.value)];
    }),
  );
}

/** What a program can see of a function, but for its identity and the prototype that every function has. */
function shape(method: object): unknown[] {
  return Reflect.ownKeys(method)
    .filter((key) => !/^(__|prototype)/.test(String(key)))
    .map((key) => [key, Object.getOwnPropertyDescriptor(method, key)]);
}

test('enabled, the functions of dns look like Node’s; disabled, they are', () => {
  ours.disable();
  assert.deepEqual(descriptors(), untouched);
  ours.enable();
  const during = descriptors();
  const shapes = (all: unknown[]) =>
    (all as ([PropertyDescriptor, unknown] | undefined)[][]).map((each) => each.map((pair) => pair?.[1]));
  assert.deepEqual(shapes(during), shapes(untouched));
  assert.notDeepEqual(during, untouched);
  const second = new HttpTraceInstrumentation({ mode: 'off' });
  assert.deepEqual(descriptors(), during, 'once, however many there are');
  second.disable();
  ours.disable();
  assert.deepEqual(descriptors(), untouched);
});

test('where somebody patched dns.lookup on top, disable() leaves their patch, and ours passes through until enable()', async () => {
  ours.enable();
  const below = dns.lookup as (...args: unknown[]) => unknown;
  const theirs = Object.assign((...args: unknown[]) => below.apply(dns, args), { __original: below });
  const undo = replaceLookup(theirs);
  for (let i = 0; i < 2; i++) {
    ours.disable();
    assert.equal(dns.lookup, theirs);
    queries.length = 0;
    await times(3, () => ask('localhost'));
    assert.equal(queries.length, 3);
    ours.enable();
    assert.equal(dns.lookup, theirs);
    queries.length = 0;
    await times(3, () => ask('localhost'));
    assert.equal(queries.length, 1);
  }
  undo();
  ours.disable();
  assert.deepEqual(descriptors(), untouched);
});
