import { type HttpTraceInstrumentationConfig, type Report, resolveConfig } from './config';

/** The variable of each option, and how its text becomes a value. Whether that is right is checked where all options are. */
const VARIABLES: Record<string, { option: string; parse: (text: string) => unknown }> = {
  OTEL_HTTPTRACE_MODE: { option: 'mode', parse: (text) => text },
  OTEL_HTTPTRACE_MIN_DURATION: { option: 'minDuration', parse: numberIn },
  OTEL_HTTPTRACE_SLOWER_THAN: { option: 'slowerThan', parse: numberIn },
  OTEL_HTTPTRACE_HEADERS: { option: 'headers', parse: listIn },
  OTEL_HTTPTRACE_COALESCE_LOOKUPS: { option: 'coalesceLookups', parse: booleanIn },
  OTEL_HTTPTRACE_METRICS: { option: 'metrics', parse: booleanIn },
};

/**
 * The options of the register entry: `OTEL_HTTPTRACE_MODE`, `_MIN_DURATION`, `_SLOWER_THAN`, `_HEADERS` (separated by commas),
 * `_COALESCE_LOOKUPS` and `_METRICS` (true or false). Unset and
 * empty variables leave the default, as OpenTelemetry's specification of environment variables has it; so does a wrong one, which is reported.
 *
 * @param report - told the variable and what is wrong with it
 */
export function configFromEnvironment(
  env: NodeJS.ProcessEnv,
  report: Report,
): HttpTraceInstrumentationConfig {
  const config: Record<string, unknown> = {};
  const variableOf = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    const text = value?.trim();
    if (!name.startsWith('OTEL_HTTPTRACE_') || !text) continue;
    const variable = VARIABLES[name];
    if (variable === undefined) {
      report(name, 'does not exist; it is ignored');
      continue;
    }
    variableOf.set(variable.option, name);
    config[variable.option] = variable.parse(text);
  }
  const { mode, minDuration, slowerThan, headers, coalesceLookups, metrics } = resolveConfig(
    config,
    (option, problem) => report(variableOf.get(option) ?? option, problem),
  );
  return { mode, minDuration, slowerThan, headers, coalesceLookups, metrics };
}

/** A number, or the text itself, so that the report shows what was written. */
function numberIn(text: string): number | string {
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}

function listIn(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** As OpenTelemetry's specification has it: in any case; or the text itself. */
function booleanIn(text: string): boolean | string {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : text;
}
