import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import dns from 'node:dns';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ask, replaceLookup } from '../support/lookups';
import { type Lookup, lookup, node, ours, queries } from './coalescing';

/** Longer than a label may be: no name server is asked. */
const NOWHERE = `${'x'.repeat(64)}.invalid`;

test('concurrent lookups of one host are one query, and all have the answer', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('localhost', { all: true })));
  assert.equal(queries.length, 1);
  const [, expected] = await new Promise<unknown[]>((resolve) =>
    node('localhost', { all: true }, (...answer: unknown[]) => resolve(answer)),
  );
  for (const [err, addresses] of answers) {
    assert.equal(err, null);
    assert.deepEqual(addresses, expected);
  }
});

test('nothing is kept after the answer', async () => {
  for (let i = 1; i <= 3; i++) {
    await ask('localhost');
    assert.equal(queries.length, i);
  }
});

test('whoever asks again in its callback asks anew', async () => {
  await new Promise<void>((resolve) => {
    let open = 3;
    const again = () => lookup('localhost', () => --open === 0 && resolve());
    for (let i = 0; i < 3; i++) lookup('localhost', again);
  });
  // The first is alone in its tick: what it asks is in the air when the others ask.
  assert.equal(queries.length, 2);
});

test('arrays of addresses are not shared', async () => {
  const mangle = (addresses: { address: string }[]) => {
    for (const each of addresses) each.address = 'mangled';
    addresses.push({ address: 'mangled' });
  };
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 3; i++)
      lookup('localhost', { all: true }, (_err: unknown, addresses: { address: string }[]) => {
        seen.push(JSON.stringify(addresses));
        mangle(addresses);
        if (seen.length === 3) resolve();
      });
  });
  assert.equal(queries.length, 1);
  assert.equal(new Set(seen).size, 1);
  assert.doesNotMatch(seen[0] ?? '', /mangled/);
});

test('errors are not shared, and each is the whole error', async () => {
  const [[first], [second], [third]] = (await Promise.all([ask(NOWHERE), ask(NOWHERE), ask(NOWHERE)])) as [
    [Error],
    [Error],
    [Error],
  ];
  assert.equal(queries.length, 1);
  assert.notEqual(first, second);
  assert.notEqual(second, third);
  for (const copy of [second, third]) {
    assert.ok(copy instanceof Error);
    assert.equal(Object.getPrototypeOf(copy), Object.getPrototypeOf(first));
    assert.deepEqual({ ...copy }, { ...first });
    assert.equal(copy.message, first.message);
    assert.equal(copy.stack, first.stack);
    assert.deepEqual(Object.keys(copy), Object.keys(first));
    assert.deepEqual(Reflect.ownKeys(copy).sort(), Reflect.ownKeys(first).sort());
  }
  assert.equal((first as NodeJS.ErrnoException).syscall, 'getaddrinfo');
});

test('a callback runs in the asynchronous context of its lookup', async () => {
  const store = new AsyncLocalStorage<number>();
  const seen = await Promise.all(
    [0, 1, 2, 3].map((i) =>
      store.run(i, () => new Promise((resolve) => lookup('localhost', () => resolve([i, store.getStore()])))),
    ),
  );
  assert.equal(queries.length, 1);
  for (const [expected, actual] of seen as [number, number][]) assert.equal(actual, expected);
});

test('an exception in one callback does not starve the others, and crashes like any other', async () => {
  const thrown: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => void thrown.push(error));
  try {
    await new Promise<void>((resolve) => {
      for (const name of ['first', 'second'])
        lookup('localhost', () => {
          throw name;
        });
      lookup('localhost', () => resolve());
    });
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  assert.deepEqual(thrown, ['first', 'second']);
  assert.equal(queries.length, 1);
});

test('callbacks run in the order of the lookups, and never before lookup returns', async () => {
  const order: (number | string)[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 4; i++) lookup('localhost', () => order.push(i) === 5 && resolve());
    order.push('returned');
  });
  assert.deepEqual(order, ['returned', 0, 1, 2, 3]);
});

test('the first is given what Node returns, the others an object as well', async () => {
  const requests: unknown[] = [];
  await Promise.all(
    [0, 1].map(
      () =>
        new Promise<void>((resolve) => {
          requests.push(lookup('localhost', () => resolve()));
        }),
    ),
  );
  const [first, second] = requests as [{ hostname: string }, object];
  assert.equal(first.hostname, 'localhost');
  assert.equal(typeof second, 'object');
});

test('dns.lookup can be promisified', async () => {
  const [first, second] = await Promise.all([
    promisify(dns.lookup)('localhost'),
    promisify(dns.lookup)('localhost'),
  ]);
  assert.deepEqual(Object.keys(first), ['address', 'family']);
  assert.deepEqual(second, first);
  assert.equal(queries.length, 1);
});

test('a replacement of dns.lookup that answers at once, or twice, or with more than Node does', async () => {
  ours.disable();
  let asked = 0;
  const undo = replaceLookup((_host, callback) => {
    asked++;
    (callback as Lookup)(null, '127.0.0.1', 4, 'more');
    (callback as Lookup)(null, '127.0.0.2', 4, 'again');
    return 'theirs';
  });
  ours.enable();
  try {
    for (let i = 1; i <= 3; i++) {
      const answers: unknown[][] = [];
      assert.equal(
        lookup('at-once.test', (...answer: unknown[]) => answers.push(answer)),
        'theirs',
      );
      assert.deepEqual(answers, [
        [null, '127.0.0.1', 4, 'more'],
        [null, '127.0.0.2', 4, 'again'],
      ]);
      assert.equal(asked, i);
    }
  } finally {
    ours.disable();
    undo();
    ours.enable();
  }
});

test('Node is asked with the same options and the same this', async () => {
  const options = { all: true };
  await ask('localhost', options);
  assert.equal(queries[0]?.[1], options);
  assert.equal(queries[0]?.length, 3);
});
