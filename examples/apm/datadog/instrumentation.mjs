import tracer from 'dd-trace';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';

tracer.init();
new tracer.TracerProvider().register();
new HttpTraceInstrumentation();
