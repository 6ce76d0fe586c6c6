/** Which lookups ask the same question, and which are for Node to answer or refuse. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { test } from 'node:test';
import { ask } from '../support/lookups';
import { type Lookup, lookup, node, queries } from './coalescing';

const SAME: unknown[][][] = [
  [['localhost'], ['localhost', undefined], ['localhost', null], ['localhost', {}], ['localhost', 0]],
  [['localhost'], ['localhost', { family: 0, hints: 0, all: false }]],
  [
    ['localhost', 4],
    ['localhost', { family: 4 }],
    ['localhost', { family: 'IPv4' }],
  ],
  [
    ['localhost', { verbatim: true }],
    ['localhost', { order: 'verbatim' }],
  ],
  [
    ['localhost', { verbatim: false }],
    ['localhost', { order: 'ipv4first' }],
  ],
];
for (const same of SAME)
  test(`one question: ${same.map((args) => JSON.stringify(args)).join(' ')}`, async () => {
    const answers = await Promise.all(same.map((args) => ask(...args)));
    assert.equal(queries.length, 1);
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
  });

test('other questions are other queries', async () => {
  const others = [
    ['localhost'],
    ['localhost', 4],
    ['localhost', 6],
    ['localhost', { all: true }],
    ['localhost', { hints: dns.ADDRCONFIG }],
    ['localhost', { order: 'ipv4first' }],
    ['localhost', { order: 'ipv6first' }],
    ['LOCALHOST'],
  ];
  await Promise.all(others.map((args) => ask(...args)));
  assert.equal(queries.length, others.length);
});

test('the default order counts as it is when the lookup is made', async () => {
  const before = dns.getDefaultResultOrder();
  try {
    dns.setDefaultResultOrder('ipv4first');
    const first = ask('localhost');
    dns.setDefaultResultOrder('verbatim');
    const second = ask('localhost');
    await Promise.all([first, second]);
    assert.equal(queries.length, 2);
    dns.setDefaultResultOrder('ipv4first');
    await Promise.all([ask('localhost'), ask('localhost', { verbatim: false })]);
    assert.equal(queries.length, 3);
  } finally {
    dns.setDefaultResultOrder(before);
  }
});

const nothing = () => {};
const boom = {
  get family(): number {
    throw new Error('boom');
  },
};
const UNUSUAL: [string, unknown[]][] = [
  ['a family in words', ['localhost', { family: '4' }, nothing]],
  ['no such family', ['localhost', 5, nothing]],
  ['no such family in options', ['localhost', { family: 5 }, nothing]],
  ['options in words', ['localhost', 'IPv4', nothing]],
  ['no such hint', ['localhost', { hints: 1 << 20 }, nothing]],
  ['hints in words', ['localhost', { hints: '0' }, nothing]],
  ['all in words', ['localhost', { all: 'yes' }, nothing]],
  ['verbatim in words', ['localhost', { verbatim: 'no' }, nothing]],
  ['no such order', ['localhost', { order: 'random' }, nothing]],
  ['no callback', ['localhost']],
  ['no callback after options', ['localhost', {}]],
  ['a callback that is none', ['localhost', {}, {}]],
  ['a number', [5, nothing]],
  ['nothing at all', []],
  ['a getter that throws', ['localhost', boom, nothing]],
];
/** Early releases of Node 20 know no order, and refuse none. */
const skipped = (what: string) => what === 'no such order' && !String(node).includes('options?.order');
for (const [what, args] of UNUSUAL)
  test(`what Node refuses it refuses, though somebody is asking: ${what}`, {
    skip: skipped(what),
  }, async () => {
    const refusal = (call: Lookup) => {
      try {
        call(...args);
      } catch (error) {
        const { name, code, message } = error as NodeJS.ErrnoException;
        return { name, code, message };
      }
      return assert.fail('not refused');
    };
    const asking = [ask('localhost'), ask('localhost', { all: true })];
    assert.deepEqual(refusal(lookup), refusal(node));
    await Promise.all(asking);
  });

test('what Node answers without asking is not waited for', async () => {
  const odd = [['127.0.0.1'], ['::1', { all: true }], ['::1', 6]];
  for (const args of odd) {
    queries.length = 0;
    const answers = await Promise.all([ask(...args), ask(...args)]);
    const expected = await new Promise((resolve) => node(...args, (...answer: unknown[]) => resolve(answer)));
    assert.deepEqual(answers, [expected, expected]);
    assert.equal(queries.length, 2);
  }
});

test('options that we do not know are for whoever does', async () => {
  const args = ['localhost', { ttl: 5 }];
  await Promise.all([ask(...args), ask(...args)]);
  assert.equal(queries.length, 2);
});
