import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Generation, projectOf } from './generations';
import { nodeBinary } from './nodes';
import { CONCURRENCY, testFilesOfCell } from './test-files';

// Runs the compiled tests on every version of Node, with both generations of OpenTelemetry JS, all that may depend on either:
//
//   npm run test:matrix                      all of it
//   npm run test:matrix -- 22 24 --newest    some versions, each with the newest generation that supports it

const NODES = ['20', '22', '24', '26'];
/** OpenTelemetry JS 3.x declares Node.js 22.15 or newer. */
const generationsOf = (node: string): Generation[] => (node === '20' ? [2] : [2, 3]);

const COUNTS = ['tests', 'pass', 'fail', 'skipped'] as const;

interface Cell {
  readonly node: string;
  readonly generation: Generation;
  readonly counts: Record<(typeof COUNTS)[number], number>;
  readonly seconds: number;
  readonly failed: boolean;
}

const root = join(__dirname, '../../..');
const logs = join(root, 'node_modules/.cache/test-matrix');

function main(args: string[]): void {
  const newest = args.includes('--newest');
  const wanted = args.filter((arg) => arg !== '--newest');
  const unknown = wanted.filter((node) => !NODES.includes(node));
  if (unknown.length > 0) {
    console.error(
      `usage: npm run test:matrix -- [${NODES.join('|')}]... [--newest]; not ${unknown.join(' ')}`,
    );
    process.exit(2);
  }
  mkdirSync(logs, { recursive: true });
  const cells = (wanted.length > 0 ? wanted : NODES).flatMap((node) =>
    generationsOf(node)
      .slice(newest ? -1 : 0)
      .map((generation) => run(node, generation)),
  );
  console.log(table(cells));
  process.exitCode = cells.some(({ failed }) => failed) ? 1 : 0;
}

/** One cell. Only what fails is shown: the whole output is kept in a file. */
function run(version: string, generation: Generation): Cell {
  const project = projectOf(generation, root);
  const binary = nodeBinary(version, root);
  const node = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
  const log = join(logs, `node-${version}-opentelemetry-${generation}.log`);
  const out = openSync(log, 'w');
  const started = performance.now();
  const args = ['--test', '--test-reporter=spec', '--test-timeout=120000', CONCURRENCY];
  const { status } = spawnSync(binary, [...args, ...testFilesOfCell(project)], {
    cwd: project,
    stdio: ['ignore', out, out],
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  closeSync(out);
  const said = readFileSync(log, 'utf8');
  const counts = Object.fromEntries(
    COUNTS.map((name) => [name, Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(said)?.[1] ?? Number.NaN)]),
  ) as Cell['counts'];
  const failed = status !== 0 || !(counts.pass > 0);
  console.log(`node ${node}, OpenTelemetry ${generation}.x: ${failed ? 'FAILED' : 'passed'} in ${seconds} s`);
  if (failed) console.log(said.slice(Math.max(0, said.indexOf('✖ failing tests:'))), `\n(${log})`);
  return { node, generation, counts, seconds, failed };
}

function table(cells: readonly Cell[]): string {
  const rows = cells.map(({ node, generation, counts, seconds }) => [
    node,
    `${generation}.x`,
    ...COUNTS.map((name) => String(counts[name])),
    `${seconds} s`,
  ]);
  const lines = [['node', 'otel', 'tests', 'pass', 'fail', 'skip', 'time'], ...rows];
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(10) : cell.padStart(6))).join(' '))
    .join('\n');
}

main(process.argv.slice(2));
