import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** OpenTelemetry JS 2.x, which `npm ci` installs, and 3.x. */
export type Generation = 2 | 3;

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

/**
 * A folder in which the compiled tests find the packages of a generation: the checkout itself, or a copy of it inside of its node_modules.
 * What belongs to OpenTelemetry is installed in the copy; everything else is found where it always is, further up.
 */
export function projectOf(generation: Generation, root: string): string {
  if (generation === 2) return root;
  const project = join(root, 'node_modules/.cache', `opentelemetry-${generation}`);
  mkdirSync(project, { recursive: true });
  install(project, manifestOf(generation, root));
  for (const name of ['build', 'src', 'test', 'examples', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
    rmSync(join(project, name), { recursive: true, force: true });
    cpSync(join(root, name), join(project, name), { recursive: true });
  }
  return project;
}

/** package.json, with the packages of OpenTelemetry that tests and examples use in the versions of another generation. */
function manifestOf(generation: Generation, root: string): string {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const versions = JSON.parse(readFileSync(join(root, `test/generations/${generation}.json`), 'utf8'));
  for (const name of Object.keys(manifest.devDependencies))
    if (name.startsWith('@opentelemetry/') && versions[name] === undefined)
      throw new Error(`test/generations/${generation}.json has no version of ${name}`);
  return JSON.stringify({ ...manifest, devDependencies: versions }, undefined, 2);
}

/** Installs a manifest, unless that very one was installed before. */
function install(project: string, manifest: string): void {
  const file = join(project, 'package.json');
  if (existsSync(file) && readFileSync(file, 'utf8') === manifest) return;
  const draft = { cwd: project, stdio: 'inherit', shell: process.platform === 'win32' } as const;
  rmSync(join(project, 'node_modules'), { recursive: true, force: true });
  rmSync(join(project, 'package-lock.json'), { force: true });
  writeFileSync(file, manifest);
  try {
    // 3.x declares newer versions of Node than the one that may be installing it.
    const quiet = [
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--engine-strict=false',
      '--loglevel=error',
    ];
    execFileSync('npm', ['install', ...quiet], draft);
  } catch (error) {
    rmSync(file);
    throw error;
  }
}
