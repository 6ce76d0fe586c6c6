import assert from 'node:assert/strict';
import http from 'node:http';
import { beforeEach, test } from 'node:test';
import { HttpTraceInstrumentation, type HttpTraceInstrumentationConfig } from '../src';
import { resolveConfig } from '../src/config';
import { collectDiag } from './support/diag';

const messages = collectDiag();
const errors = () => messages.filter(({ level }) => level === 'error').map(({ text }) => text);
beforeEach(() => {
  messages.length = 0;
});

const DEFAULTS = resolveConfig({});

test('the defaults', () => {
  assert.deepEqual(
    { ...DEFAULTS },
    {
      ...DEFAULTS,
      enabled: true,
      mode: 'spans',
      minDuration: 0,
      slowerThan: 0,
      ignoreRequest: undefined,
      clientTrace: undefined,
      headers: [],
      coalesceLookups: false,
      metrics: true,
    },
  );
});

const WRONG: [string, unknown, string][] = [
  ['enabled', 'yes', "option enabled must be a boolean, got 'yes'; using true"],
  ['mode', 'spam', "option mode must be one of spans, events, attributes, off, got 'spam'; using 'spans'"],
  ['mode', null, "option mode must be one of spans, events, attributes, off, got null; using 'spans'"],
  ['minDuration', -1, 'option minDuration must be a number of milliseconds, 0 or more, got -1; using 0'],
  ['minDuration', '5', "option minDuration must be a number of milliseconds, 0 or more, got '5'; using 0"],
  [
    'slowerThan',
    Number.NaN,
    'option slowerThan must be a number of milliseconds, 0 or more, got NaN; using 0',
  ],
  ['slowerThan', 10n, 'option slowerThan must be a number of milliseconds, 0 or more, got 10n; using 0'],
  ['ignoreRequest', true, 'option ignoreRequest must be a function, got true; using none'],
  ['clientTrace', {}, 'option clientTrace must be a function, got {}; using none'],
  ['headers', 'cookie', "option headers must be an array of header names, got 'cookie'; using []"],
  ['headers', ['a', 5], "option headers must be an array of header names, got [ 'a', 5 ]; using []"],
  [
    'mode',
    ['spans'],
    "option mode must be one of spans, events, attributes, off, got [ 'spans' ]; using 'spans'",
  ],
  ['metrics', 'on', "option metrics must be a boolean, got 'on'; using true"],
  ['hedaers', [], 'option hedaers does not exist; it is ignored'],
];

for (const [name, value, message] of WRONG)
  test(`a wrong option is reported, and its default used: ${message}`, () => {
    assert.deepEqual(resolveConfig({ [name]: value }), DEFAULTS);
    assert.deepEqual(errors(), [`httptrace: ${message}`]);
  });

test('the instrumentation never throws, whatever it is given', () => {
  const loop: Record<string, unknown> = {};
  loop.mode = loop;
  const throwing = {
    get mode() {
      throw new Error('boom');
    },
  };
  for (const config of [
    null,
    undefined,
    5,
    'spans',
    [],
    loop,
    throwing,
    Object.create(null),
    { mode: Symbol() },
  ]) {
    const ours = new HttpTraceInstrumentation(config as unknown as HttpTraceInstrumentationConfig);
    assert.equal(ours.isEnabled(), true);
    ours.disable();
  }
});

test('enabled: false patches nothing until enable()', () => {
  const original = Object.getOwnPropertyDescriptor(http.Agent.prototype, 'addRequest')?.value;
  const ours = new HttpTraceInstrumentation({ enabled: false });
  assert.equal(Object.getOwnPropertyDescriptor(http.Agent.prototype, 'addRequest')?.value, original);
  ours.enable();
  assert.notEqual(Object.getOwnPropertyDescriptor(http.Agent.prototype, 'addRequest')?.value, original);
  ours.disable();
  assert.equal(Object.getOwnPropertyDescriptor(http.Agent.prototype, 'addRequest')?.value, original);
});
