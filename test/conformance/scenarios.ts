import { CONNECTIONS } from './scenarios/connections';
import { EXCHANGES } from './scenarios/exchanges';
import { FAILURES } from './scenarios/failures';
import { HTTP2 } from './scenarios/http2';

/**
 * One situation as Go's `net/http` shows it, and as Node shows it. A string for each request, in the recorder's short notation; `response`,
 * `end`, `error` and `bodyerror` stand where the application saw the response, the end of its body, or why there is none.
 */
export interface Scenario {
  /** The file of this folder that makes the situation. */
  readonly theme: string;
  readonly claim: string;
  readonly go: readonly string[];
  /** Left out when it is Go's, but for what {@link asInNode} says of all of them. */
  readonly node?: readonly string[];
  /** Why the order differs from Go's. */
  readonly why?: string;
  /** Where the order is as it should be and the arguments differ from Go's: how, and why. What an error is called is always Node's affair. */
  readonly args?: string;
}

/** Every scenario recorded from Go: those of HTTP/2 on `node:http2`, all others on `http` and `https`. */
export const SCENARIOS = { ...CONNECTIONS, ...EXCHANGES, ...FAILURES, ...HTTP2 };

export type Name = keyof typeof SCENARIOS;
export type Theme = (typeof SCENARIOS)[Name]['theme'];
export type NamesOf<T extends Theme> = {
  [N in Name]: (typeof SCENARIOS)[N]['theme'] extends T ? N : never;
}[Name];

/**
 * Go's order, with what is always different in Node: there is a last hook, which comes before the application hears of the end or the error; and a
 * connection returns to its pool a tick after the application has seen the end of the body, with the last hook behind it.
 */
export function asInNode(go: string): string {
  const words = go.split(' ');
  const put = words.findIndex((word) => word.startsWith('PI'));
  if (put >= 0) words.push(...words.splice(put, 1));
  const over = words.findIndex((word) => /^(end|error|bodyerror)/.test(word));
  words.splice(over < 0 || put >= 0 ? words.length : over, 0, 'RT');
  return words.join(' ');
}

/** What Node shows. */
export function expected({ go, node }: Scenario): readonly string[] {
  return node ?? go.map(asInNode);
}
