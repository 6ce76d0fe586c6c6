import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type Found, findCompose, runs } from '../support/tools';

interface Compose {
  readonly services: Record<
    string,
    { readonly image: string; readonly ports?: string[]; readonly volumes?: string[] }
  >;
}

const examples = join(__dirname, '../../../examples');
const files = readdirSync(examples)
  .map((name) => join(examples, name, 'compose.yaml'))
  .filter((file) => existsSync(file));

/** What reads compose files: Docker's command, or the library that is inside of it. */
const compose: Found = runs('docker', ['compose', 'version']) ? { bin: 'docker' } : findCompose();

test('there are compose files', () => assert.ok(files.length >= 2));

for (const file of files)
  describe(`examples${file.slice(examples.length)}`, () => {
    const { services } = parse(readFileSync(file, 'utf8')) as Compose;

    test('names an exact version of every image', () => {
      for (const { image } of Object.values(services)) assert.match(image, /^[a-z/-]+:v?\d+\.\d+\.\d+$/);
    });

    test('listens to this machine only', () => {
      for (const port of Object.values(services).flatMap(({ ports = [] }) => ports))
        assert.match(String(port), /^127\.0\.0\.1:\d+:\d+$/);
    });

    test('mounts only files that are there', () => {
      for (const volume of Object.values(services).flatMap(({ volumes = [] }) => volumes)) {
        const [from = ''] = volume.split(':');
        assert.ok(!from.startsWith('.') || existsSync(join(dirname(file), from)), volume);
      }
    });

    test('is accepted by docker compose', { skip: 'missing' in compose && compose.missing }, () => {
      const { bin } = compose as { bin: string };
      const args = bin === 'docker' ? ['compose', '-f', file, 'config', '--quiet'] : [file];
      const { status, stderr } = spawnSync(bin, args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  });
