import type { Transport } from '../tracing';
import { undoAll } from './patch';

const waiting: { [T in Transport]?: (() => void) | undefined } = {};

/**
 * Watches what only matters to those who follow a request of a transport: `start` is called right before the first of these begins, so that programs which
 * follow none pay nothing for it. It returns how to undo what it did, which the returned function does, if it was called. One for each transport.
 */
export function onceFollowed(
  transport: Transport,
  start: () => readonly ((() => void) | undefined)[],
): () => void {
  let undo: readonly ((() => void) | undefined)[] = [];
  waiting[transport] = () => {
    undo = start();
  };
  return () => {
    waiting[transport] = undefined;
    undoAll(undo);
  };
}

/** A request is about to be followed. */
export function followed(transport: Transport): void {
  const start = waiting[transport];
  if (start === undefined) return;
  waiting[transport] = undefined;
  start();
}
