import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';

// New Relic shows none of our spans, but the hooks run.
new HttpTraceInstrumentation({
  clientTrace: ({ hostPort }) => ({
    gotConn: ({ reused, wasIdle }) => console.log(`${hostPort} reused ${reused} idle ${wasIdle}`),
  }),
});
