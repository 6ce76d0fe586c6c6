import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE, findJaeger, findPrometheus, JAEGER, PROMETHEUS, runs } from './tools';

// `npm run tools` gets the programs that some tests need, and keeps them for the next time. What cannot be had is no error:
// those tests say that they are skipped, and why.

mkdirSync(CACHE, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'httptrace-tools-'));
try {
  obtain('Jaeger', findJaeger, buildJaeger);
  obtain('Prometheus', findPrometheus, unpackPrometheus);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function obtain(name: string, find: typeof findJaeger, get: () => void): void {
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

/** From the Go module proxy: some minutes, once. The pages of its user interface are not part of the module. */
function buildJaeger(): void {
  const go = ['go', '/usr/local/go/bin/go'].find((path) => runs(path, ['version']));
  if (go === undefined) throw new Error('there is no Go');
  // Its own go.mod and go.sum decide about everything else, not what this machine is set to.
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const download = ['mod', 'download', '-json', JAEGER.module];
  const { Dir, Sum } = JSON.parse(execFileSync(go, download, { cwd: scratch, env, encoding: 'utf8' }));
  if (Sum !== JAEGER.sum) throw new Error(`${JAEGER.module} is not what it was: ${Sum}`);
  console.log(`Jaeger: building ${JAEGER.module}, which takes some minutes`);
  const binary = join(scratch, 'jaeger');
  const build = ['build', '-trimpath', '-ldflags=-s -w', '-o', binary, './cmd/jaeger'];
  const { status, signal, stderr } = spawnSync(go, build, {
    cwd: Dir,
    env,
    encoding: 'utf8',
    timeout: 15 * 60_000,
  });
  if (status !== 0)
    throw new Error(signal ? 'not built within 15 minutes' : stderr.trim().split('\n').at(-1));
  keep(binary, JAEGER.cached);
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
