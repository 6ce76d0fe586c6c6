import { parseArgs } from 'node:util';
import { oneLine } from './text';

/** What the command line asks for. */
export interface Options {
  readonly help: boolean;
  /** Empty: the demo. */
  readonly urls: readonly URL[];
  readonly repeat: number;
  /** Milliseconds. */
  readonly limit: number;
  /** Where to write a page to. */
  readonly html: string | undefined;
}

/** The command line is wrong: a line for its author. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(args: string[]): Options {
  const { values, positionals } = parse(args);
  const urls = positionals.map(parseUrl);
  const { help = false, repeat, timeout, html } = values;
  if (urls.length === 0 && !help && (repeat ?? timeout) !== undefined)
    throw new UsageError('--repeat and --timeout need a URL');
  if (html === '') throw new UsageError('--html needs the name of a file');
  return {
    help,
    html,
    urls,
    repeat: number('--repeat', repeat ?? '1', /^\d+$/, 1, 1_000),
    limit: number('--timeout', timeout ?? '30', /^\d*\.?\d+$/, 0.001, 86_400) * 1000,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        repeat: { type: 'string' },
        timeout: { type: 'string' },
        html: { type: 'string' },
      },
    });
  } catch (error) {
    // Its first sentence says what is wrong; what follows is about conventions of command lines.
    const [message = ''] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(oneLine(message));
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new UsageError(`not a URL: ${quote(text)}${proposal(text)}`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(`only http and https can be traced: ${quote(text)}${proposal(text)}`);
  return url;
}

/** `example.com` is no URL, and `localhost:8080` is one of the protocol `localhost:`. */
function proposal(text: string): string {
  const isHost = /^[\w.-]+(:\d+)?(\/|$)/.test(text) && URL.canParse(`https://${text}`);
  return isHost ? `; did you mean ${quote(`https://${text}`)}?` : '';
}

function number(option: string, text: string, form: RegExp, min: number, max: number): number {
  const value = Number(text);
  if (form.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${option} takes a number from ${min} to ${max}, not ${quote(text)}`);
}

function quote(text: string): string {
  return `'${oneLine(text)}'`;
}
