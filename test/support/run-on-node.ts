import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

// Runs the compiled tests on another version of Node, which comes from the npm registry and is kept for the next time:
//
//   npm run test:node -- 22            the newest 22 (that of the first run, until node_modules/.cache is removed)
//   npm run test:node -- 22.12.0 aborts   only the files whose names contain a word

const [version, ...words] = process.argv.slice(2);
if (version === undefined || !/^\d+(\.\d+\.\d+)?$/.test(version)) {
  console.error('usage: npm run test:node -- VERSION [WORD...], e.g. 22 or 22.12.0');
  process.exit(2);
}

const root = join(__dirname, '../../..');
const node = nodeOf(version);
console.log(`node ${execFileSync(node, ['--version'], { encoding: 'utf8' })}`);
const { status } = spawnSync(node, ['--test', '--test-timeout=120000', ...testFiles()], { stdio: 'inherit' });
process.exitCode = status ?? 1;

function nodeOf(wanted: string): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const cache = join(root, 'node_modules/.cache/test-on-node', wanted);
  const binary = join(cache, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    mkdirSync(cache, { recursive: true });
    const install = ['install', '--prefix', cache, '--no-save', '--no-audit', '--no-fund'];
    execFileSync('npm', [...install, `${name}@${wanted}`], { stdio: 'inherit', shell: platform === 'win' });
  }
  return binary;
}

function testFiles(): string[] {
  const tests = join(root, 'build/test');
  const folders = readdirSync(tests, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [tests, ...folders.map(({ name }) => join(tests, name))]
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.test.js') && words.every((word) => path.includes(word)));
}
