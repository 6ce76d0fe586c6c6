import type { Server } from './workloads';

/** What the measurements of a run have in common. */
export interface Session {
  readonly server: Server;
  /** Variants by their number; peers that cannot be installed are missing. */
  readonly variants: readonly number[];
  /** Whether it runs is all that is asked; its figures mean nothing. */
  readonly isQuick: boolean;
  /** Tells what is being done. */
  progress(text: string): void;
}
