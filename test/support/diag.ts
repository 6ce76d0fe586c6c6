import { DiagLogLevel, diag } from '@opentelemetry/api';

export interface Message {
  readonly level: 'error' | 'warn' | 'info' | 'debug' | 'verbose';
  readonly text: string;
}

/** Collects what is said to `diag`. */
export function collectDiag(): Message[] {
  const messages: Message[] = [];
  const log =
    (level: Message['level']) =>
    (...args: unknown[]) =>
      void messages.push({ level, text: args.map(String).join(' ') });
  diag.setLogger(
    {
      error: log('error'),
      warn: log('warn'),
      info: log('info'),
      debug: log('debug'),
      verbose: log('verbose'),
    },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  );
  return messages;
}
