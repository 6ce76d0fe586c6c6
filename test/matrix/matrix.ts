import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HttpTraceInstrumentation } from '../../src';
import type { HookName } from '../../src/clienttrace';
import { HOOKS } from '../../src/hooks';
import { registerContextManager } from '../support/otel';
import { type Client, TRANSPORTS, type Traced, type Transport, trace } from '../support/transports';
import { SCENARIOS, type Scenario, type Stage } from './scenarios';

net.setDefaultAutoSelectFamilyAttemptTimeout(10_000);
registerContextManager();
new HttpTraceInstrumentation({ mode: 'off' });

/** Makes a test of every scenario on every transport of a column, and one that the README's table says what they have shown. */
export function matrix(column: Transport['column']): void {
  const seen = new Set<HookName>();
  for (const transport of TRANSPORTS.filter((each) => each.column === column))
    for (const scenario of SCENARIOS) {
      const but = scenario.but?.[transport.name] ?? scenario.but?.[column];
      const isAbsent = but !== undefined && but.expected === undefined;
      const name = `${transport.name}: ${scenario.claim}`;
      test(name, { skip: isAbsent && but.why }, async (t) => {
        const traced = await scenario.run(await stage(t, transport, scenario));
        for (const { recorder } of traced) for (const { hook } of recorder.calls) seen.add(hook);
        assert.deepEqual(
          traced.map(inWords),
          (but?.expected ?? scenario.expected).map((order) => expand(order, transport)),
        );
      });
    }

  test('the README’s table has a dash for the hooks that were never called, and for no others', () => {
    for (const hook of HOOKS)
      assert.equal(/^—/.test(cell(hook, column)), !seen.has(hook), `${hook}: ${cell(hook, column)}`);
  });
}

async function stage(t: TestContext, transport: Transport, { handler }: Scenario): Promise<Stage> {
  const server = await transport.serve(handler);
  const clients: Client[] = [];
  t.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.close();
  });
  const other: Stage['other'] = (options) => {
    const client = transport.client({ origin: server.origin, ca: server.ca, ...options });
    clients.push(client);
    return client;
  };
  const client = other({});
  return { transport, server, client, other, get: (options) => trace(client, '/', options) };
}

/** What the order is called, without what errors are called. */
function inWords({ recorder }: Traced): string {
  return recorder.sequence().replace(/!.*?(?=$| [A-Z][A-Z0-9]\b)/g, '!');
}

function expand(order: string, { tls, column }: Transport): string {
  return order
    .replace('DIAL', tls ? 'DS DD CS CD TS TD' : 'DS DD CS CD')
    .replace('?PI ', column === '`http2`' ? '' : 'PI ');
}

const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');

/** What the README says of a hook on a transport. */
function cell(hook: HookName, column: string): string {
  const section = readme.slice(readme.indexOf('## What is seen, and what is not'));
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  const cells = (row: string | undefined) =>
    (row ?? '')
      .split('|')
      .slice(1, -1)
      .map((text) => text.trim());
  const row = rows.find((line) => cells(line)[0]?.includes(`\`${hook}\``));
  const found = cells(row)[cells(rows[0]).indexOf(column)];
  assert.ok(found, `the README says nothing of ${hook} on ${column}`);
  return found;
}
