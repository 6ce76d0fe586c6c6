import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BASE, VARIANTS } from './variants';
import { WORKLOADS } from './workloads';

test('npm run bench -- --quick runs every variant and every workload', async () => {
  const args = [join(__dirname, 'main.js'), '--quick'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e7 });
  for (const { name } of VARIANTS) {
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
