import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BASE, nameOf, PAIRS, ROWS } from './variants';
import { WORKLOADS } from './workloads';

async function run(file: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const options = { maxBuffer: 1e7, env: { ...process.env, ...env } };
  return (await promisify(execFile)(process.execPath, [join(__dirname, file), ...args], options)).stdout;
}

const bench = (...options: string[]) => run('main.js', options);

test('npm run bench -- --quick runs every variant and every workload', async () => {
  const stdout = await bench('--quick');
  for (const name of ROWS.map(nameOf)) {
    const row = stdout.split('\n').find((line) => line.startsWith(`| ${name} |`));
    assert.ok(row, name);
    assert.equal(
      row.match(/µs · \d|skipped/g)?.length,
      WORKLOADS.length + (row.includes('skipped') ? 1 : 0),
      row,
    );
  }
  for (const { name } of WORKLOADS) assert.ok(stdout.includes(`| ${name} |`), name);
  for (const row of ['http, reused', '1 connection to 1 host', nameOf(BASE)])
    assert.match(stdout, new RegExp(`^\\| ${row} \\| .*\\d.* \\|$`, 'm'));
  assert.doesNotMatch(stdout, /NaN/);
});

test('npm run bench -- --least --quick runs ours beside the least that tells the same', async () => {
  const stdout = await bench('--least', '--quick');
  for (const variant of [BASE, ...PAIRS.flat()]) {
    const row = stdout.split('\n').find((line) => line.startsWith(`| ${nameOf(variant)} |`));
    assert.equal(row?.match(/µs · \d/g)?.length, 2, `${nameOf(variant)}: ${row}`);
  }
  assert.doesNotMatch(stdout, /NaN/);
});

/** What a variant writes, in whatever order. */
async function written(variant: number): Promise<string[]> {
  const spans: object[] = JSON.parse(await run('written.js', [], { BENCH_VARIANT: String(variant) }));
  return spans.map((span) => JSON.stringify(span)).sort();
}

// Hooks that are empty tell nothing that could be compared.
for (const pair of PAIRS.slice(1))
  test(`${nameOf(pair[1])}: writes what ours writes`, async () => {
    const [ours, least] = await Promise.all(pair.map(written));
    assert.ok(ours?.some((span) => span.includes('http.')));
    assert.deepEqual(least, ours);
  });
