import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  readonly help: boolean;
  /** How long to go on; what has begun by then is finished. */
  readonly seconds: number;
  /** Send metrics too. */
  readonly metrics: boolean;
}

export const HELP = `\
Makes HTTP requests of every kind to servers of its own, and exports what
OpenTelemetry sees of them by OTLP over HTTP.

Usage: npm run traffic -- [options]

Options:
  --metrics    export metrics too: for a collector, not for Jaeger
  --seconds N  go on for that long (default: 120); Ctrl-C ends it earlier
  -h, --help   show this

Environment:
  OTEL_EXPORTER_OTLP_ENDPOINT  where to (default: http://localhost:4318)
  OTEL_SERVICE_NAME            as whom (default: httptrace-traffic)
`;

/** @throws if the command line is wrong */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seconds: { type: 'string', default: '120' },
      metrics: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!(/^\d+$/.test(values.seconds) && seconds >= 1 && seconds <= 86_400))
    throw new Error(`--seconds takes a number from 1 to 86400, not '${values.seconds}'`);
  return { ...values, seconds };
}
