import { diag } from '@opentelemetry/api';

// biome-ignore lint/suspicious/noExplicitAny: Node's own methods, with whatever they are given
export type Method = (this: any, ...args: any[]) => any;
export type Methods = Record<string, Method>;

/** Puts a wrapper in the place of one of Node's methods. */
export function wrap(owner: object, name: string, wrapper: (original: Method) => Method): void {
  const methods = owner as Methods;
  const original = methods[name];
  if (original !== undefined) methods[name] = wrapper(original);
}

export function failed(error: unknown): void {
  diag.error('the least: failed', error);
}
