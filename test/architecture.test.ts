import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import * as publicNames from '../src';
import * as names from '../src/names';
import { VERSION } from '../src/version';

const root = join(__dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

interface Source {
  readonly file: string;
  readonly text: string;
  /** What it imports: our own files by their path, and whether types are all it takes. */
  readonly imports: readonly { from: string; typeOnly: boolean }[];
}

const sources: Source[] = (readdirSync(join(root, 'src'), { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => {
    const text = readFileSync(join(root, 'src', file), 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)(\s+type)?\s[^;]*?from '([^']+)'/gms)];
    return {
      file,
      text,
      imports: imports.map(([, type, from = '']) => ({
        from: from.startsWith('.') ? normalize(join(dirname(file), from)) : from,
        typeOnly: type !== undefined,
      })),
    };
  });

function assertNoImport(of: RegExp, from: RegExp, alsoTypes: boolean): void {
  const files = sources.filter(({ file }) => of.test(file));
  assert.ok(files.length > 0);
  for (const { file, imports } of files)
    for (const each of imports)
      if (alsoTypes || !each.typeOnly) assert.doesNotMatch(each.from, from, `${file} imports ${each.from}`);
}

test('the imports are read at all', () => {
  assert.ok(sources.length > 25);
  const { imports = [] } = sources.find(({ file }) => file === 'instrumentation.ts') ?? {};
  assert.ok(imports.some(({ from, typeOnly }) => from === 'probes' && !typeOnly));
});

test('clienttrace.ts imports nothing but types', () => {
  assertNoImport(/^clienttrace\.ts$/, /./, false);
});

test('probes know no sink, no name that is written, no tracer and no semantic conventions', () => {
  assertNoImport(/^probes\//, /^sinks|^names|semantic-conventions|sdk-/, true);
  for (const { file, text } of sources.filter(({ file }) => file.startsWith('probes/')))
    assert.doesNotMatch(text, /\bTracer\b|\btrace\.getSpan|startSpan/, file);
});

test('sinks know no probe and none of Node’s network modules', () => {
  assertNoImport(/^sinks\//, /^probes/, true);
  assertNoImport(/^sinks\//, /^(node:)?(net|http|https|http2|tls|dns)$/, false);
});

test('files are at most 200 lines, and named after a concept', () => {
  for (const { file, text } of sources) {
    assert.ok(text.trimEnd().split('\n').length <= 200, `${file}: ${text.trimEnd().split('\n').length}`);
    assert.doesNotMatch(basename(file), /^(utils?|types|common|helpers?|misc)\.ts$/);
  }
});

test('the public names are these', () => {
  assert.deepEqual(
    Object.keys(publicNames).sort(),
    [
      ...Object.keys(names),
      'HttpTraceInstrumentation',
      'HttpTraceSpanProcessor',
      'contextClientTrace',
      'withClientTrace',
    ].sort(),
  );
});

test('every name that is written, and its constant, stand in the README', () => {
  for (const [constant, value] of Object.entries(names)) {
    if (/^(START|DONE|DURATION)$/.test(constant)) continue;
    assert.ok(readme.includes(`\`${constant}\``), constant);
    const written = typeof value === 'function' ? value('<name>') : value;
    assert.ok(readme.includes(`\`${written}\``), written);
  }
});

test('every option stands in the README', () => {
  const config = sources.find(({ file }) => file === 'config.ts')?.text ?? '';
  const [, body = ''] = /interface HttpTraceInstrumentationConfig .*?\{(.*?)\n\}/s.exec(config) ?? [];
  const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name = '']) => name);
  assert.ok(options.length >= 6);
  for (const option of options) assert.ok(readme.includes(`| \`${option}\` |`), option);
});

test('VERSION is the version of the package', () => {
  assert.equal(VERSION, manifest.version);
});

test('the package depends on these, and nothing else', () => {
  assert.deepEqual(manifest.dependencies['@opentelemetry/instrumentation'], '>=0.200.0 <0.300.0');
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), [
    '@opentelemetry/instrumentation',
    '@opentelemetry/semantic-conventions',
    'shimmer',
  ]);
  assert.deepEqual(manifest.peerDependencies, { '@opentelemetry/api': '^1.9.0' });
});
