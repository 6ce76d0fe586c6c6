import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

const root = join(__dirname, '..', '..');
const consumers = join(root, 'test', 'consumers');
let project: string;
let files: string[];

/** The project of somebody who has installed the tarball; what it needs besides comes from here, so that no network is needed. */
before(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'httptrace-consumer-')));
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  files = packed.files.map(({ path }: { path: string }) => path);
  const linked = [
    '@opentelemetry/api',
    '@opentelemetry/context-async-hooks',
    '@opentelemetry/sdk-trace',
    '@types/node',
  ];
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies: {
        'opentelemetry-instrumentation-httptrace': `file:${packed.filename}`,
        ...Object.fromEntries(linked.map((name) => [name, `file:${folderOf(name)}`])),
      },
    }),
  );
  execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--install-links'], {
    cwd: project,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const file of ['app.cjs', 'app.mjs', 'typed.mts', 'typed.cts'])
    copyFileSync(join(consumers, file), join(project, file));
  copyFileSync(join(consumers, 'typed.mts'), join(project, 'bundled.ts'));
});
after(() => rmSync(project, { recursive: true, force: true }));

/** Where a package is found from here. */
function folderOf(name: string): string {
  const folders = require.resolve.paths(name) ?? [];
  const found = folders.map((folder) => join(folder, name)).find((folder) => existsSync(folder));
  assert.ok(found, name);
  return found;
}

test('the tarball holds built code, types, README, CHANGELOG and LICENSE, and nothing else', () => {
  const others = files.filter((file) => !/^build\/src\/.*\.(js|d\.ts)$/.test(file));
  assert.deepEqual(others.sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  assert.ok(files.includes('build/src/index.js') && files.includes('build/src/index.d.ts'));
  assert.ok(files.includes('build/src/register.js'));
});

const HOOKS = 'http.dns true\nreused false\ndone undefined\n';

test('an installed package works from CommonJS', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['app.cjs'], { cwd: project, encoding: 'utf8' });
  assert.equal(stdout, HOOKS, stderr);
});

test('an installed package works from ESM, by name, for functions of node:http that were imported before it', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['app.mjs'], { cwd: project, encoding: 'utf8' });
  assert.equal(stdout, HOOKS, stderr);
});

test('an installed package has types for nodenext, from both kinds of module, and for bundler', () => {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const strict = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2022',
    '--types',
    'node',
  ];
  for (const [module, resolution, ...sources] of [
    ['nodenext', 'nodenext', 'typed.mts', 'typed.cts'],
    ['esnext', 'bundler', 'bundled.ts'],
  ] as [string, string, ...string[]][]) {
    const args = [tsc, ...strict, '--module', module, '--moduleResolution', resolution, ...sources];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  }
});
