// First of all: instrumentation-http sees only programs that require http after it was registered. (Ours does not care.)
import './sdk';
import { run } from './cli';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read us has seen enough: `npm start | head`.
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

// Until it is known better: should a request ever hang, the process ends early, and not as if all were well.
process.exitCode = 1;
run(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => console.error(error),
);
