import { instrumentForHooks } from '../support/hooksonly';

export const instrumentation = instrumentForHooks();
export * from '../support/http2stage';
