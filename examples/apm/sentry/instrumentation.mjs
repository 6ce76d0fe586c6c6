import * as Sentry from '@sentry/node';
import { HttpTraceInstrumentation } from 'opentelemetry-instrumentation-httptrace';

// The DSN comes from SENTRY_DSN. Without `enableOpenTelemetrySetup` Sentry knows nothing of OpenTelemetry's spans.
Sentry.init({ tracesSampleRate: 1, enableOpenTelemetrySetup: true });
new HttpTraceInstrumentation();
