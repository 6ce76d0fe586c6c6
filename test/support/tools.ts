import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Programs that tests run if they are there: given by the environment, installed, or put here by `npm run tools`.

/** Outside the checkout, so that a clean one need not build them again. */
export const CACHE = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'opentelemetry-instrumentation-httptrace',
);

/** A program that the Go module proxy has the source of. */
export interface GoProgram {
  readonly module: string;
  /** The hash of the module, as in a go.sum. */
  readonly sum: string;
  readonly package: string;
  /** Where it is kept. */
  readonly cached: string;
}

/** Jaeger 2.13, by the number of its Go module: the newest that there is as one. Its user interface is not part of that. */
export const JAEGER: GoProgram = {
  module: 'github.com/jaegertracing/jaeger@v1.76.0',
  sum: 'h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g=',
  package: './cmd/jaeger',
  cached: join(CACHE, 'jaeger-v1.76.0'),
};

/** What reads compose files inside of `docker compose`. */
export const COMPOSE: GoProgram = {
  module: 'github.com/compose-spec/compose-go/v2@v2.16.2',
  sum: 'h1:pTp1DqQwJzFd85GzlWsSszKA1ABrV/ySqsClujIcWA8=',
  package: './cmd',
  cached: join(CACHE, 'compose-spec-v2.16.2'),
};

export const PROMETHEUS = { cached: join(CACHE, 'prometheus') };

/** A program, or why there is none. */
export type Found = { readonly bin: string } | { readonly missing: string };

export function findJaeger(): Found {
  const bin = [process.env.JAEGER_BIN, JAEGER.cached].find((path) => path && existsSync(path));
  return bin ? { bin } : { missing: 'no Jaeger: set JAEGER_BIN, or have Go and `npm run tools` build it' };
}

export function findPrometheus(): Found {
  const bin = [process.env.PROMETHEUS_BIN, 'prometheus', PROMETHEUS.cached].find(
    (path) => path && runs(path),
  );
  return bin
    ? { bin }
    : { missing: 'no Prometheus: install it, set PROMETHEUS_BIN, or have apt and `npm run tools` fetch it' };
}

export function findCompose(): Found {
  return existsSync(COMPOSE.cached)
    ? { bin: COMPOSE.cached }
    : { missing: 'no reader of compose files: have Docker, or Go and `npm run tools` build one' };
}

export function findChromium(): Found {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const paths = names.flatMap((name) => ['/usr/bin', '/usr/local/bin'].map((folder) => join(folder, name)));
  const bin = [process.env.CHROMIUM_BIN, ...paths].find((path) => path && existsSync(path));
  return bin
    ? { bin }
    : { missing: 'no Chromium: install it (apt-get install chromium), or set CHROMIUM_BIN' };
}

/** Tempo, which is neither a module of Go nor a package of Debian: whoever has it says where. */
export function findTempo(): Found {
  const bin = process.env.TEMPO_BIN;
  return bin ? { bin } : { missing: 'no Tempo: set TEMPO_BIN' };
}

/** Whether a program is there, by its path or on `PATH`. */
export function runs(command: string, args: string[] = ['--version']): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
