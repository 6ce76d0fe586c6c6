/** Connections that are measured, test by test, and a server that answers when it is told to. */
import { beforeEach, type TestContext } from 'node:test';
import { HttpTraceInstrumentation, type HttpTraceInstrumentationConfig } from '../../src';
import { gate } from '../support/gate';
import { meters } from '../support/meters';
import { registerContextManager } from '../support/otel';
import { type ServeOptions, serve } from '../support/servers';

/** What is measured in this test. */
export let meter = meters();

/** Instruments the process. A port may be given to a second server: what was measured of the first does not count. */
export function instrument(config: HttpTraceInstrumentationConfig = {}): HttpTraceInstrumentation {
  registerContextManager();
  const ours = new HttpTraceInstrumentation({ mode: 'off', ...config });
  beforeEach(() => {
    meter = meters();
    ours.setMeterProvider(meter.provider);
  });
  return ours;
}

/** The durations that were measured of a server, and how often: `setup tls 2`, `setup connect ECONNREFUSED 1`. */
export async function durations(port: number): Promise<string[]> {
  return (await meter.lines())
    .filter((line) => line.includes(`server.port=${port} `) && !line.startsWith('http.client.open'))
    .map((line) =>
      line
        .replace(/^http\.client\.|server\.\S+=\S+ /g, '')
        .replace('connection.setup.duration phase=', 'setup ')
        .replace('error.type=', ''),
    )
    .sort();
}

/**
 * A server that answers no request before `answer.open()`; closed with the test.
 * @param requests - `asked.opened` resolves when there are so many of them
 */
export async function holding(t: TestContext, options: ServeOptions = {}, requests = 1) {
  const [answer, asked] = [gate(), gate()];
  let begun = 0;
  const server = await serve((_req, res) => {
    if (++begun === requests) asked.open();
    void answer.opened.then(() => res.end('hello'));
  }, options);
  t.after(server.close);
  return { server, answer, asked };
}
