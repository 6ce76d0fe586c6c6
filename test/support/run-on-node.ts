import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { nodeBinary } from './nodes';
import { testFiles } from './test-files';

// Runs the compiled tests on another version of Node:
//
//   npm run test:node -- 22
//   npm run test:node -- 22.12.0 aborts   only the files whose names contain a word

const [version, ...words] = process.argv.slice(2);
if (version === undefined || !/^\d+(\.\d+\.\d+)?$/.test(version)) {
  console.error('usage: npm run test:node -- VERSION [WORD...], e.g. 22 or 22.12.0');
  process.exit(2);
}

const root = join(__dirname, '../../..');
const node = nodeBinary(version, root);
console.log(`node ${execFileSync(node, ['--version'], { encoding: 'utf8' })}`);
const files = testFiles(root).filter((path) => words.every((word) => path.includes(word)));
const { status } = spawnSync(node, ['--test', '--test-timeout=120000', ...files], { stdio: 'inherit' });
process.exitCode = status ?? 1;
