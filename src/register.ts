import { syncBuiltinESMExports } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { configFromEnvironment } from './environment';
import { HttpTraceInstrumentation } from './instrumentation';

/*
 * Tracing without a change to the program: `node --import opentelemetry-instrumentation-httptrace/register app.js`, or `--require`; before or
 * after the register entry of the OpenTelemetry distribution that brings the SDK.
 *
 * Nothing here may require http once our instrumentation is made: require-in-the-middle would take http for loaded, and an instrumentation-http that is
 * registered later would never be given it.
 *
 * Wrong options become warnings of the process, not messages to `diag`: so early nobody has told `diag` where to write.
 */
const config = configFromEnvironment(process.env, (variable, problem) =>
  process.emitWarning(`${variable} ${problem}`, 'HttpTraceWarning'),
);
registerInstrumentations({ instrumentations: [new HttpTraceInstrumentation(config)] });

// Our probes have required http. If instrumentation-http is there already, that was when it patched it; functions that ES modules import by name follow only now.
syncBuiltinESMExports();
