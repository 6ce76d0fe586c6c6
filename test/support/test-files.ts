import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * What runs once, with `npm test`, and in no cell of the matrix: files and folders of which neither Node's version nor the generation of
 * OpenTelemetry JS decides anything, and why. What makes requests in the process of the test, or is loaded by a program of its own, is no such thing.
 */
const ONCE: Readonly<Record<string, string>> = {
  'architecture.test.js': 'reads the sources',
  'readme.test.js': 'reads the documentation',
  'traffic.test.js':
    'the command line of an example; that its requests can be made, undici, http and metrics tell',
  'waterfall-commandline.test.js':
    'the command line of an example; its requests are those of waterfall.test.js',
  bench: 'whether the benchmark runs',
  picture: 'what a browser shows of a page; what is drawn there, waterfall.test.js tells',
  viewers:
    'what other programs make of OTLP; that it is the same everywhere, otlp.test.js and otlp-wire.test.js tell',
};

/** Tests also wait: by default there would be one less at a time than there are processors. The same as in package.json. */
export const CONCURRENCY = '--test-concurrency=3';

/** The compiled test files of `npm test` in a checkout, or in a copy of one. */
export function testFiles(root: string): string[] {
  const tests = join(root, 'build/test');
  const folders = readdirSync(tests, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [tests, ...folders.map(({ name }) => join(tests, name))]
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.test.js'));
}

/** Those of them that a cell of the matrix runs. */
export function testFilesOfCell(root: string): string[] {
  const files = testFiles(root).map((path) => relative(join(root, 'build/test'), path));
  for (const once of Object.keys(ONCE))
    if (!files.some((file) => isOf(once, file))) throw new Error(`there is no build/test/${once}`);
  return files
    .filter((file) => !Object.keys(ONCE).some((once) => isOf(once, file)))
    .map((file) => join(root, 'build/test', file));
}

function isOf(once: string, file: string): boolean {
  return file === once || file.startsWith(join(once, '/'));
}
