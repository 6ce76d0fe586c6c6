import { closeSync, openSync, writeFileSync } from 'node:fs';
import { page, type Section } from './html/page';
import { UsageError } from './options';
import { oneLine } from './text';

/** Makes sure that the file can be written, before anything is done whose result would be lost. @throws UsageError */
export function checkOutput(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw new UsageError(`cannot write to --html '${oneLine(file)}': ${reasonOf(error)}`);
  }
}

/** @throws Error with a line for the user */
export function writePage(file: string, sections: readonly Section[]): void {
  try {
    writeFileSync(file, page(sections));
  } catch (error) {
    throw new Error(`cannot write ${oneLine(file)}: ${reasonOf(error)}`);
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'no such directory',
  ENOSPC: 'no space left',
  ENOTDIR: 'part of its path is no directory',
  EROFS: 'the file system is read-only',
};

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? oneLine(message);
}
