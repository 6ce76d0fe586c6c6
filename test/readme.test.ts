import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(__dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const examples = readdirSync(join(root, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => unindented(readFileSync(join(root, 'examples', file), 'utf8')));

function unindented(code: string): string {
  return code.trim().replaceAll(/^ +/gm, '');
}

test('every TypeScript snippet of the README stands in an example, which the tests run', () => {
  const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
  assert.ok(snippets.length >= 3);
  for (const snippet of snippets)
    assert.ok(
      examples.some((example) => example.includes(unindented(snippet))),
      snippet,
    );
});

test('every file and folder of examples that the README names is there', () => {
  for (const [, file = ''] of readme.matchAll(/`(examples\/[\w./-]+)`/g))
    assert.ok(existsSync(join(root, file)), file);
});
