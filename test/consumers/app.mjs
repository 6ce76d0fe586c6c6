// An ESM program that has installed the package, and took its functions of node:http before.
import { createServer, get } from 'node:http';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

const { contextClientTrace, HttpTraceInstrumentation, SPAN_DNS, withClientTrace } = await import(
  'opentelemetry-instrumentation-httptrace'
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
new HttpTraceInstrumentation({ mode: 'off' });
const trace = {
  dnsDone: (info) => console.log(SPAN_DNS, info.addrs.length > 0),
  gotConn: (info) => console.log('reused', info.reused),
  roundTripDone: (err) => console.log('done', err),
};
const server = createServer((_req, res) => res.end()).listen(0, 'localhost', () => {
  const url = `http://localhost:${server.address().port}`;
  const ctx = withClientTrace(context.active(), trace);
  if (contextClientTrace(ctx) === undefined) throw new Error('not attached');
  context.with(ctx, () =>
    get(url, { agent: false }, (res) => res.resume().on('close', () => server.close())),
  );
});
