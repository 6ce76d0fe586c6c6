import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The executable of a version of Node, such as `22` or `22.12.0`. It comes from the npm registry and is kept for the next time: the newest 22
 * is that of the first time, until node_modules/.cache is removed.
 */
export function nodeBinary(version: string, root: string): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const cache = join(root, 'node_modules/.cache/test-on-node', version);
  const binary = join(cache, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(dirname(cache), { recursive: true });
  // Whole or not at all, also when two install it at once.
  const draft = mkdtempSync(`${cache}-`);
  const install = ['install', '--prefix', draft, '--no-save', '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', [...install, `${name}@${version}`], { stdio: 'inherit', shell: platform === 'win' });
  try {
    renameSync(draft, cache);
  } catch {
    rmSync(draft, { recursive: true });
  }
  return binary;
}
