import { checkOtlp } from './otlp';
import { apmTest } from './suite';

apmTest('elastic', '@elastic/opentelemetry-node', ['20'], checkOtlp);
