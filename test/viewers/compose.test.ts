import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { runs } from '../support/tools';

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
const compose = [['docker', 'compose'], ['docker-compose']].find(([command = '', ...rest]) =>
  runs(command, [...rest, 'version']),
);

test('there are compose files', () => assert.ok(files.length >= 1));

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

    test('is accepted by docker compose', { skip: !compose && 'no docker compose' }, () => {
      const [command = '', ...rest] = compose ?? [];
      const args = [...rest, '-f', file, 'config', '--quiet'];
      const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  });
