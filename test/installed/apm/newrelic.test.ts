import assert from 'node:assert/strict';
import { apmTest } from './suite';

apmTest('newrelic', 'newrelic', ['20', '24'], async (run) => {
  const { stdout, stderr } = await run({
    NEW_RELIC_APP_NAME: 'example',
    NEW_RELIC_LICENSE_KEY: 'a'.repeat(40),
    NEW_RELIC_NO_CONFIG_FILE: 'true',
    NEW_RELIC_LOG_ENABLED: 'false',
    NEW_RELIC_HOST: 'localhost',
    NEW_RELIC_OPENTELEMETRY_ENABLED: 'true',
    NEW_RELIC_OPENTELEMETRY_TRACES_ENABLED: 'true',
    OTEL_LOG_LEVEL: 'warn',
  });
  assert.doesNotMatch(stderr, /httptrace/);
  const [cold, reused] = stdout.split('\n').filter((line) => line.startsWith('localhost:'));
  assert.match(cold ?? '', /reused false idle false$/);
  assert.match(reused ?? '', /reused true idle true$/);
});
