// Requests of every kind, for a viewer: `npm run traffic`.
import { HELP, type Options, parseOptions } from './options';
import { startSdk } from './sdk';

async function run(options: Options): Promise<void> {
  const sdk = startSdk(options);
  // Not before: instrumentation-http sees programs that require http after it. (Ours does not care.)
  const { drive } = require('./drive') as typeof import('./drive');

  const stop = new AbortController();
  // Once: who presses Ctrl-C again does not want to wait for the last export.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

  const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT || 'http://localhost:4318';
  console.log(`requests for ${options.seconds} s, to be seen through ${endpoint}; Ctrl-C ends it`);
  for (const { title, rounds, error } of await drive(options.seconds, stop.signal)) {
    console.log(`${String(rounds).padStart(5)} × ${title}`);
    if (error !== undefined) fail(`${title}: ${error}`);
  }
  const failure = await sdk.shutdown();
  if (failure) fail(`not everything was exported: ${failure.message || failure.name}`);
}

function fail(message: string): void {
  console.error(`traffic: ${message}`);
  process.exitCode = 1;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else run(options).catch((error) => fail(String(error)));
} catch (error) {
  console.error(`traffic: ${(error as Error).message} (try --help)`);
  process.exitCode = 2;
}
