import assert from 'node:assert/strict';

/** A waterfall as it was printed, taken apart. */
export interface Printed {
  readonly title: string;
  readonly rows: readonly PrintedRow[];
  /** The lines below the bars. */
  readonly notes: string;
}

export interface PrintedRow {
  /** The span's name, indented by two for each level below the request. */
  readonly name: string;
  readonly bar: string;
  /** The first column of the bar, and the one after its last. */
  readonly from: number;
  readonly to: number;
  readonly failed: boolean;
}

/** Takes waterfalls apart: each begins with a title, the method at the line's start. */
export function waterfalls(text: string): Printed[] {
  return text
    .split(/^(?=(?:GET|POST) )/m)
    .filter((part) => /^(GET|POST) /.test(part))
    .map((part) => {
      const [title = '', ...lines] = part.split('\n\n')[0]?.split('\n') ?? [];
      const rows = lines.map(rowOf).filter((row) => row !== undefined);
      return { title, rows, notes: lines.slice(rows.length).join('\n') };
    });
}

function rowOf(line: string): PrintedRow | undefined {
  const match = /^ {2}( *\S+) +([━█]+) +(✗ )?[\d.]+ (µs|ms|s)$/.exec(line);
  if (match === null) return undefined;
  const [, name = '', bar = '', cross] = match;
  const from = line.indexOf(bar);
  return { name, bar, from, to: from + bar.length, failed: cross !== undefined };
}

/** The rows' names, as one text. */
export function namesOf({ rows }: Printed): string {
  return rows.map(({ name }) => name).join('\n');
}

/** The first, which there must be. */
export function one([first]: readonly Printed[]): Printed {
  assert.ok(first);
  return first;
}
