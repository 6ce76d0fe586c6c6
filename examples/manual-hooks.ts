// The example of Go's net/http/httptrace, with hooks alone: no SDK, no span.
// Traces a request to the https URL given as argument, or to a server of its own.
import https from 'node:https';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { HttpTraceInstrumentation, withClientTrace } from 'opentelemetry-instrumentation-httptrace';
import { serve } from './local/server';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
new HttpTraceInstrumentation({ mode: 'off' });

function get(url: string, options: https.RequestOptions = {}) {
  const hooks = withClientTrace(context.active(), {
    gotConn: (info) => console.log('Got Conn', info.reused, info.wasIdle, info.idleTime),
    dnsDone: (info) => console.log('DNS Info', info.addrs, info.coalesced),
  });
  const req = context.with(hooks, () => https.get(url, options, (res) => res.resume()));
  return req.on('error', (error: NodeJS.ErrnoException) => {
    console.error(error.message || error.code);
    process.exitCode = 1;
  });
}

async function main(url = process.argv[2]) {
  if (url !== undefined) return get(url);
  const server = await serve('https:', (_req, res) => res.end('hello\n'));
  const req = get(server.origin, { ...(server.ca && { ca: server.ca }) });
  return req.on('close', () => server.close());
}

main();
