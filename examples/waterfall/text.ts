/** On stderr, so that what goes to stdout stays a picture. */
export function complain(message: string): void {
  process.stderr.write(`waterfall: ${message}\n`);
}

/** Text from elsewhere (a certificate, a server, a shell) without line breaks and escape codes. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}

/** At most `width` characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`.slice(0, width);
}

/** `312 µs`, `1.24 ms`, `12.4 ms`, `2.05 s`: three digits, so that they compare at a glance. */
export function duration(milliseconds: number): string {
  if (milliseconds < 0.9995) return `${Math.round(milliseconds * 1000)} µs`;
  if (milliseconds < 999.5) return `${milliseconds.toPrecision(3)} ms`;
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Items with a separator between them, on as many lines as it takes. */
export function wrap(items: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    const longer = last === undefined ? item : last + separator + item;
    if (last !== undefined && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(cut(item, width));
  }
  return lines;
}
