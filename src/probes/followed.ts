let waiting: readonly (() => void)[] = [];

/**
 * Watches what only matters to those who follow a request: `start` is called right before the first of these begins, so that programs which
 * follow none pay nothing for it. The returned function undoes what `start` did, if it was called.
 */
export function onceFollowed(start: () => () => void): () => void {
  let undo: (() => void) | undefined;
  const begin = () => {
    undo = start();
  };
  waiting = [...waiting, begin];
  return () => {
    waiting = waiting.filter((other) => other !== begin);
    undo?.();
  };
}

/** A request is about to be followed. */
export function followed(): void {
  if (waiting.length === 0) return;
  const starts = waiting;
  waiting = [];
  for (const start of starts) start();
}
