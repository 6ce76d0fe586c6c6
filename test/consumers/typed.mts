// A TypeScript program that has installed the package: it need only compile.
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import {
  ATTR_HTTP_CONN_REUSED,
  type ClientTrace,
  contextClientTrace,
  type GotConnInfo,
  HttpTraceInstrumentation,
  type HttpTraceInstrumentationConfig,
  HttpTraceSpanProcessor,
  withClientTrace,
} from 'opentelemetry-instrumentation-httptrace';
import 'opentelemetry-instrumentation-httptrace/register';

const config: HttpTraceInstrumentationConfig = {
  mode: 'events',
  minDuration: 1,
  ignoreRequest: ({ hostPort }) => hostPort === '',
};
export const instrumentation = new HttpTraceInstrumentation(config);
const reused: boolean[] = [];
const trace: ClientTrace = {
  gotConn: (info: GotConnInfo) => reused.push(info.reused),
  got1xxResponse: (code) => (code === 103 ? new Error('no hints') : undefined),
};
export const ctx: Context = withClientTrace(ROOT_CONTEXT, trace);
export const attached: ClientTrace | undefined = contextClientTrace(ctx);
export const name: 'http.conn.reused' = ATTR_HTTP_CONN_REUSED;
const inner: SpanProcessor = new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() });
const around: SpanProcessor = new HttpTraceSpanProcessor(inner);
export const provider = new TracerProvider({ spanProcessors: [around, new HttpTraceSpanProcessor()] });
// @ts-expect-error: there is no such mode
new HttpTraceInstrumentation({ mode: 'spam' });
// @ts-expect-error: a hook is a function
withClientTrace(ROOT_CONTEXT, { gotConn: 5 });
