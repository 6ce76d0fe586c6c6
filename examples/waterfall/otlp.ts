import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { complain, oneLine } from './text';

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** A processor that exports by OTLP, if the environment says where to. */
export function otlpProcessors(): SpanProcessor[] {
  const name = ENDPOINTS.find((endpoint) => process.env[endpoint]);
  if (name === undefined) return [];
  const endpoint = process.env[name] ?? '';
  // The exporter itself would silently fall back to its default.
  if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint)) {
    complain(`nothing is exported: ${name} is no http or https URL: ${oneLine(endpoint)}`);
    return [];
  }
  // The exporter tries again until its time is up, by default for ten seconds: long in front of a terminal.
  process.env.OTEL_EXPORTER_OTLP_TIMEOUT ||= '3000';
  setGlobalErrorHandler(reportFailedExport);
  return [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })];
}

let reported = false;

/** One line, however many batches fail. */
export function reportFailedExport(error: unknown): void {
  if (reported) return;
  reported = true;
  const { message, code } = error as Partial<NodeJS.ErrnoException>;
  complain(`the export by OTLP failed: ${oneLine(message || String(code ?? error))}`);
}
