import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(__dirname, '../..');
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const names = Object.keys(devDependencies).filter((name) => name.startsWith('@opentelemetry/'));

/** The folder and the version of a package, as the tests find it. */
function installed(name: string): { folder: string; version: string } {
  const resolve = createRequire(join(root, 'build/test/')).resolve;
  let folder = dirname(resolve(name));
  const end = join('node_modules', ...name.split('/'));
  while (!folder.endsWith(end)) folder = dirname(folder);
  return { folder, version: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version };
}

test('the packages of OpenTelemetry that the tests use are those of this folder, all of one generation', () => {
  const api = installed('@opentelemetry/api').version;
  const generation = /^1\.9\./.test(api) ? 2 : 3;
  const versions = { 2: /^(1\.9|2\.|0\.[26]\d\d\.|0\.33\.)/, 3: /^(1\.10|3\.|0\.3\d\d\.|0\.34\.)/ };
  assert.ok(names.length > 5);
  for (const name of names) {
    const { folder, version } = installed(name);
    assert.equal(folder, join(root, 'node_modules', name));
    assert.match(version, versions[generation], name);
  }
});
