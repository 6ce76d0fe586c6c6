import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Runs a program of test/fixtures, which traces itself if it is told to. */
export function runFixture(fixture: string, args: readonly string[], isTraced: boolean) {
  const env = { ...process.env, TRACE: isTraced ? '1' : '0', NODE_DEBUG: '' };
  const file = join(__dirname, '../fixtures', `${fixture}.js`);
  return spawnSync(process.execPath, [file, ...args], { env, encoding: 'utf8', timeout: 60_000 });
}

/**
 * A program that prints all it sees prints the same when it is traced.
 * @param atLeast - the length of what it prints; to stderr it prints how many spans there were
 */
export function assertSeesTheSame(fixture: string, atLeast: number): void {
  const [untraced, traced] = [runFixture(fixture, [], false), runFixture(fixture, [], true)];
  assert.equal(traced.status, 0, traced.stderr);
  assert.equal(traced.stdout, untraced.stdout);
  assert.ok(untraced.stdout.length > atLeast, untraced.stderr);
  assert.ok(Number(traced.stderr) > Number(untraced.stderr) + 30, `spans: ${traced.stderr}`);
}

/** A program that crashes ends with the same code and says the same of the error, but for the stack. */
export function assertCrashesTheSame(fixture: string, crash: string): void {
  const [untraced, traced] = [runFixture(fixture, [crash], false), runFixture(fixture, [crash], true)];
  assert.equal(traced.status, untraced.status);
  assert.notEqual(traced.status, 0);
  const [errors, expected] = [traced, untraced].map(({ stderr }) =>
    stderr
      .replaceAll(/:\d+/g, ':PORT')
      .split('\n')
      .filter((line) => /^\s*(\w*Error\b|(errno|code|syscall|address|reason|cause|\[cause\]):)/.test(line)),
  );
  assert.deepEqual(errors, expected);
  assert.ok(expected?.length);
}
