import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BASE, BESIDE_LEAST, nameOf, VARIANTS } from './variants';
import { WORKLOADS } from './workloads';

async function run(file: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const options = { maxBuffer: 1e7, env: { ...process.env, ...env } };
  return (await promisify(execFile)(process.execPath, [join(__dirname, file), ...args], options)).stdout;
}

const bench = (...options: string[]) => run('main.js', options);

test('npm run bench -- --quick runs every variant and every workload', async () => {
  const stdout = await bench('--quick');
  for (const { name, isLeast } of VARIANTS) {
    if (isLeast) continue;
    const row = stdout.split('\n').find((line) => line.startsWith(`| ${name} |`));
    assert.ok(row, name);
    assert.equal(
      row.match(/µs · \d|skipped/g)?.length,
      WORKLOADS.length + (row.includes('skipped') ? 1 : 0),
      row,
    );
  }
  for (const { name } of WORKLOADS) assert.ok(stdout.includes(`| ${name} |`), name);
  for (const row of ['http, reused', '1 connection to 1 host', VARIANTS[BASE]?.name])
    assert.match(stdout, new RegExp(`^\\| ${row} \\| .*\\d.* \\|$`, 'm'));
  assert.doesNotMatch(stdout, /NaN/);
});

test('npm run bench -- --least --quick runs ours beside the least that tells the same', async () => {
  const stdout = await bench('--least', '--quick');
  for (const variant of BESIDE_LEAST) {
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

for (let i = 3; i < BESIDE_LEAST.length; i += 2)
  test(`${nameOf(BESIDE_LEAST[i + 1] ?? 0)}: writes what ours writes`, async () => {
    const [ours, least] = await Promise.all(BESIDE_LEAST.slice(i, i + 2).map(written));
    assert.ok(ours?.some((span) => span.includes('http.')));
    assert.deepEqual(least, ours);
  });
