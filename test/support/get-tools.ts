import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CACHE,
  COMPOSE,
  type Found,
  findCompose,
  findJaeger,
  findPrometheus,
  type GoProgram,
  JAEGER,
  PROMETHEUS,
  runs,
} from './tools';

// `npm run tools` gets the programs that some tests need, and keeps them for the next time. What cannot be had is no error:
// those tests say that they are skipped, and why.

/** After which a build is given up. */
const MINUTES = 8;

mkdirSync(CACHE, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'httptrace-tools-'));
try {
  obtain('Jaeger', findJaeger, () => build(JAEGER));
  obtain('compose-spec', findCompose, () => build(COMPOSE));
  obtain('Prometheus', findPrometheus, unpackPrometheus);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function obtain(name: string, find: () => Found, get: () => void): void {
  let found = find();
  if ('missing' in found) {
    try {
      get();
    } catch (error) {
      return console.log(`${name}: not to be had here: ${(error as Error).message.trim().split('\n')[0]}`);
    }
    found = find();
  }
  console.log(`${name}: ${'bin' in found ? found.bin : found.missing}`);
}

/** From the Go module proxy; what is big takes some minutes, once. */
function build(program: GoProgram): void {
  const go = ['go', '/usr/local/go/bin/go'].find((path) => runs(path, ['version']));
  if (go === undefined) throw new Error('there is no Go');
  // Its own go.mod and go.sum decide about everything else, not what this machine is set to.
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const download = ['mod', 'download', '-json', program.module];
  const { stdout } = spawnSync(go, download, { cwd: scratch, env, encoding: 'utf8' });
  const { Dir, Sum, Error: reason } = JSON.parse(stdout);
  if (reason) throw new Error(reason);
  if (Sum !== program.sum) throw new Error(`${program.module} is not what it was: ${Sum}`);
  console.log(`building ${program.module}`);
  const binary = join(scratch, 'built');
  const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', binary, program.package];
  const { status, signal, stderr } = spawnSync(go, args, {
    cwd: Dir,
    env,
    encoding: 'utf8',
    timeout: MINUTES * 60_000,
  });
  if (status !== 0)
    throw new Error(signal ? `not built within ${MINUTES} minutes` : stderr.trim().split('\n').at(-1));
  keep(binary, program.cached);
}

/** Debian's package, unpacked and not installed: nothing on this machine is changed. */
function unpackPrometheus(): void {
  const download = () =>
    execFileSync('apt-get', ['download', 'prometheus'], { cwd: scratch, stdio: 'ignore' });
  try {
    download();
  } catch {
    // A new container has no lists of packages yet.
    execFileSync('apt-get', ['update'], { stdio: 'ignore' });
    download();
  }
  const [deb = ''] = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
  execFileSync('dpkg-deb', ['-x', join(scratch, deb), join(scratch, 'deb')], { stdio: 'ignore' });
  keep(join(scratch, 'deb/usr/bin/prometheus'), PROMETHEUS.cached);
}

/** Whole or not at all, also when two do it at once. */
function keep(from: string, to: string): void {
  const beside = `${to}.${process.pid}`;
  copyFileSync(from, beside);
  chmodSync(beside, 0o755);
  renameSync(beside, to);
}
