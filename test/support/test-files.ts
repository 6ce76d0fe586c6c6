import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The compiled test files of `npm test` in a checkout, or in a copy of one. */
export function testFiles(root: string): string[] {
  const tests = join(root, 'build/test');
  const folders = readdirSync(tests, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [tests, ...folders.map(({ name }) => join(tests, name))]
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.test.js'));
}
