import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { nodeBinary } from './nodes';
import type { Ended } from './program';

const root = join(__dirname, '../../..');

/** Why packages cannot be installed here, or undefined. */
export function unreachable(): string | undefined {
  const ask = ['view', '@opentelemetry/api', 'name', '--fetch-retries=1', '--fetch-timeout=20000'];
  const { status, stderr } = spawnSync('npm', ask, { encoding: 'utf8', cwd: tmpdir() });
  return status === 0 ? undefined : `the npm registry is out of reach: ${stderr.split('\n')[0]}`;
}

/** A new folder on this machine, outside of any package, and what is run in it: as a user would, with one version of Node. */
export class Project {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'httptrace-project-')));
  readonly #path: string;

  constructor(version: string) {
    const binary =
      version === process.versions.node.split('.')[0] ? process.execPath : nodeBinary(version, root);
    this.#path = `${dirname(binary)}${delimiter}${process.env.PATH}`;
  }

  /** Runs a command of a shell. */
  run(command: string, env: NodeJS.ProcessEnv = {}, cwd = this.folder): Promise<Ended> {
    const child = spawn('sh', ['-c', command], {
      cwd,
      env: { ...process.env, NODE_OPTIONS: undefined, ...env, PATH: this.#path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
      });
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code) => resolve({ code, ...said }));
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let tarball: string | undefined;

/** This package as it would be published. */
export function packed(): string {
  if (tarball !== undefined) return tarball;
  const folder = mkdtempSync(join(tmpdir(), 'httptrace-packed-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  tarball = join(folder, filename);
  return tarball;
}

/** Copies what an example needs. */
export function copyExamples(folder: string, to: string): void {
  cpSync(join(root, 'examples', folder), to, { recursive: true });
}
