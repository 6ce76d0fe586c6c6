import { checkOtlp } from './otlp';
import { apmTest } from './suite';

apmTest('auto-instrumentations', '@opentelemetry/auto-instrumentations-node', ['20', '24'], checkOtlp);
