import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const folder = join(__dirname, '..');
const meter = join(folder, 'fixtures', 'register-meter.js');

// The tests of hooks once more, in a process that has a MeterProvider.
for (const file of ['handed-on', 'new-and-reused', 'queue', 'create-connection', 'proxy'])
  test(`hooks say the same while somebody measures: conformance/${file}`, () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--require', meter, join(folder, 'conformance', `${file}.test.js`)],
      { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
    );
    assert.equal(status, 0, stdout);
    assert.match(
      stdout,
      /^http\.client\.connection\.setup\.duration .* phase=connect \d/m,
      'it was measured',
    );
  });
