import { setTimeout as pause } from 'node:timers/promises';
import { request, type Traced } from './request';
import type { Stage } from './stage';

/** Something to see. */
export interface Scene {
  readonly title: string;
  /** What to look for, in one line. */
  readonly note: string;
  /** The requests fail, as they should. */
  readonly fails?: true;
  play(stage: Stage): Promise<Traced[]>;
}

export const SCENES: readonly Scene[] = [
  {
    title: 'Cold',
    note: 'A new connection: the name is looked up, TCP connects, TLS shakes hands.',
    play: async ({ https, agent }) => [await request(new URL('/cold', https), { agent })],
  },
  {
    title: 'Reused',
    note: 'The same again after a pause: no http.getconn, the connection was at hand.',
    play: async ({ https, agent }) => {
      await pause(250);
      return [await request(new URL('/reused', https), { agent })];
    },
  },
  {
    title: 'Queued',
    note: 'Three at once and maxSockets: 1. On one time scale: two spend it waiting.',
    play: ({ http, single }) =>
      Promise.all([1, 2, 3].map((n) => request(new URL(`/queue/${n}`, http), { agent: single }))),
  },
  {
    title: 'Expect: 100-continue',
    note: 'The body waits for the word of the server, inside http.send.',
    play: async ({ https, agent }) => {
      const body = Buffer.alloc(256 * 1024, 'x');
      const headers = { expect: '100-continue', 'content-length': body.length };
      return [await request(new URL('/upload', https), { agent, method: 'POST', headers, body })];
    },
  },
  {
    title: 'Slow',
    note: 'The server thinks (http.wait), then drips its body (http.receive).',
    play: async ({ http }) => [await request(new URL('/slow', http))],
  },
  {
    title: 'Refused',
    note: 'Nobody listens: the phase that failed says so, and no phase is left open.',
    fails: true,
    play: async ({ nobody }) => [await request(new URL('/', nobody))],
  },
  {
    title: 'Untrusted',
    note: 'TCP connects, and the certificate is not trusted: http.tls fails.',
    fails: true,
    play: async ({ https, distrustful }) => [
      await request(new URL('/untrusted', https), { agent: distrustful }),
    ],
  },
];
