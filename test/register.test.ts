import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { configFromEnvironment } from '../src/environment';

const register = join(__dirname, '..', 'src', 'register.js');
const sdk = join(__dirname, 'fixtures', 'register-sdk.js');
const meter = join(__dirname, 'fixtures', 'register-meter.js');
const apps = {
  CommonJS: join(__dirname, 'fixtures', 'register-app.js'),
  'ES modules': join(__dirname, 'fixtures', 'register-esm-app.mjs'),
};

function run(args: string[], env: NodeJS.ProcessEnv = {}, app = apps.CommonJS) {
  return spawnSync(process.execPath, [...args, app], { env: { ...process.env, ...env }, encoding: 'utf8' });
}

const TREE = 'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }\n';
const url = (file: string) => pathToFileURL(file).href;

// The loader that OpenTelemetry tells users of ES modules to add.
const hook = url(require.resolve('@opentelemetry/instrumentation/hook.mjs'));

const orders = {
  '--require after the SDK': ['--require', sdk, '--require', register],
  '--require before the SDK': ['--require', register, '--require', sdk],
  '--import after the SDK': ['--import', url(sdk), '--import', url(register)],
  '--import before the SDK': ['--import', url(register), '--import', url(sdk)],
  '--import, and --require the SDK': ['--import', url(register), '--require', sdk],
};
for (const [name, args] of Object.entries(orders))
  for (const [modules, app] of Object.entries(apps))
    test(`a program in ${modules} that knows nothing of it is traced: ${name}`, () => {
      // Of programs in ES modules instrumentation-http learns from its loader, or from us if we come later.
      const needsLoader = modules === 'ES modules' && !name.includes('after');
      const loader = needsLoader ? ['--no-warnings', '--experimental-loader', hook] : [];
      const { stdout, stderr, status } = run([...loader, ...args], {}, app);
      assert.equal(stdout, TREE, stderr);
      assert.equal(stderr, '');
      assert.equal(status, 0);
    });

const MEASURED = `dns.lookup.duration dns.question.name=localhost 1
http.client.connection.duration server.address=localhost server.port=PORT 1
http.client.connection.setup.duration server.address=localhost server.port=PORT phase=connect 1
http.client.connection.setup.duration server.address=localhost server.port=PORT phase=dns 1
http.client.open_connections server.address=localhost server.port=PORT http.connection.state=active 0
http.client.open_connections server.address=localhost server.port=PORT http.connection.state=idle 0
`;

for (const [name, args] of Object.entries({
  'after the SDK': ['--require', sdk, '--require', meter, '--require', register],
  'before the SDK': ['--require', register, '--require', sdk, '--require', meter],
}))
  test(`a program that knows nothing of it is measured, unless OTEL_HTTPTRACE_METRICS is false: ${name}`, () => {
    const { stdout, stderr } = run(args);
    assert.equal(stdout, TREE + MEASURED, stderr);
    assert.equal(run(args, { OTEL_HTTPTRACE_METRICS: 'false' }).stdout, TREE);
  });

test('options come from the environment', () => {
  const { stdout } = run(['--require', sdk, '--require', register], { OTEL_HTTPTRACE_MODE: 'attributes' });
  assert.equal(stdout, 'GET\n');
});

test('a wrong variable is reported, and the program runs with the default', () => {
  const { stdout, stderr, status } = run(['--require', sdk, '--require', register], {
    OTEL_HTTPTRACE_MODE: 'spam',
  });
  assert.equal(status, 0);
  assert.equal(stdout, TREE);
  assert.match(
    stderr,
    /HttpTraceWarning: OTEL_HTTPTRACE_MODE must be one of spans, events, attributes, off, got 'spam'; using 'spans'/,
  );
});

test('each variable sets its option; unset and empty ones leave the default', () => {
  const reports: string[] = [];
  const read = (env: NodeJS.ProcessEnv) =>
    configFromEnvironment(env, (name, problem) => reports.push(`${name} ${problem}`));
  assert.deepEqual(read({ OTEL_HTTPTRACE_MODE: '', PATH: '/bin' }), {
    mode: 'spans',
    minDuration: 0,
    slowerThan: 0,
    headers: [],
    coalesceLookups: false,
    metrics: true,
  });
  assert.deepEqual(
    read({
      OTEL_HTTPTRACE_MODE: 'events',
      OTEL_HTTPTRACE_MIN_DURATION: '1.5',
      OTEL_HTTPTRACE_SLOWER_THAN: ' 200 ',
      OTEL_HTTPTRACE_HEADERS: 'X-Request-Id, user-agent,',
      OTEL_HTTPTRACE_COALESCE_LOOKUPS: 'True',
      OTEL_HTTPTRACE_METRICS: 'false',
    }),
    {
      mode: 'events',
      minDuration: 1.5,
      slowerThan: 200,
      headers: ['x-request-id', 'user-agent'],
      coalesceLookups: true,
      metrics: false,
    },
  );
  assert.deepEqual(reports, []);
});

test('every wrong variable is named, with what was written and what is used', () => {
  const reports: string[] = [];
  configFromEnvironment(
    { OTEL_HTTPTRACE_MIN_DURATION: '-1', OTEL_HTTPTRACE_SLOWER_THAN: '2s', OTEL_HTTPTRACE_MOOD: 'good' },
    (name, problem) => reports.push(`${name} ${problem}`),
  );
  assert.deepEqual(reports.sort(), [
    'OTEL_HTTPTRACE_MIN_DURATION must be a number of milliseconds, 0 or more, got -1; using 0',
    'OTEL_HTTPTRACE_MOOD does not exist; it is ignored',
    "OTEL_HTTPTRACE_SLOWER_THAN must be a number of milliseconds, 0 or more, got '2s'; using 0",
  ]);
});
