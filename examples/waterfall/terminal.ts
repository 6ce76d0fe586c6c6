import { createColors } from 'picocolors';
import type { Style } from './draw';

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Wider terminals get wider bars, up to a point where the eye still finds their ends. */
const WIDEST = 120;

export function styleFor(output: Output, env: NodeJS.ProcessEnv): Style {
  const columns = (output.isTTY && output.columns) || 80;
  return { width: Math.min(columns, WIDEST), colors: createColors(hasColors(output, env)) };
}

/** Not picocolors' own idea, by which a pipe has colours wherever `CI` is set. */
function hasColors(output: Output, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return output.isTTY === true && env.TERM !== 'dumb';
}
