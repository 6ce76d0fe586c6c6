/** A dial that reports to a round trip and must end with it. */
export interface OpenDial {
  readonly isOver: boolean;
  abandon(err: Error): void;
  forget(): void;
}

/** A request is over: so is for it what it had begun, and nothing that lives on refers to it. */
export function closeDials(dials: readonly OpenDial[], err: Error | undefined): void {
  for (const dial of dials) {
    if (!dial.isOver) dial.abandon(err ?? new Error('the request was served by another connection'));
    dial.forget();
  }
}
