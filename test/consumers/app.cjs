// A CommonJS program that has installed the package.
const http = require('node:http');
const { context } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const {
  HttpTraceInstrumentation,
  SPAN_DNS,
  withClientTrace,
} = require('opentelemetry-instrumentation-httptrace');

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
new HttpTraceInstrumentation({ mode: 'off' });
const trace = {
  dnsDone: (info) => console.log(SPAN_DNS, info.addrs.length > 0),
  gotConn: (info) => console.log('reused', info.reused),
  roundTripDone: (err) => console.log('done', err),
};
const server = http
  .createServer((_req, res) => res.end())
  .listen(0, 'localhost', () => {
    const url = `http://localhost:${server.address().port}`;
    context.with(withClientTrace(context.active(), trace), () =>
      http.get(url, { agent: false }, (res) => res.resume().on('close', () => server.close())),
    );
  });
