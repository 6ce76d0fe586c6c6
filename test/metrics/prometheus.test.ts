import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { beforeEach, test } from 'node:test';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { HttpTraceInstrumentation } from '../../src';
import { send } from '../support/client';
import { serve, type TestServer } from '../support/servers';

let exporter: PrometheusExporter;
const ours = new HttpTraceInstrumentation();
// A port may be given to a second server: what was measured of the first must not count.
beforeEach(() => {
  exporter = new PrometheusExporter({ preventServerStart: true });
  ours.setMeterProvider(new MeterProvider({ readers: [exporter] }));
});

/** What Prometheus would read: the value of each sample with these labels, of metrics and ports that were named. */
async function scrape(): Promise<(sample: string, port: number, labels?: string) => number | undefined> {
  const server = await serve((req, res) => exporter.getMetricsRequestHandler(req, res));
  const { body = '' } = await send(new URL('/metrics', server.origin), { agent: false });
  await server.close();
  return (sample, port, labels = '') => {
    const line = body
      .split('\n')
      .find(
        (each) =>
          each.startsWith(`${sample}{`) &&
          each.includes(`server_port="${port}"`) &&
          each.includes(labels) &&
          (labels !== '' || !each.includes('error_type')),
      );
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
  };
}

const REQUESTS = 300;
const SOCKETS = 7;

for (const tls of [false, true])
  test(`under load the numbers are what the server saw: ${tls ? 'https' : 'http'}`, async (t) => {
    let arrived = 0;
    let cut = 0;
    const server: TestServer = await serve(
      (_req, res) => {
        const n = ++arrived;
        // One in eleven connections is closed in good order, one in thirteen torn down in the middle of a response.
        if (n % 11 === 0) res.setHeader('Connection', 'close');
        if (n % 13 !== 0) return void setImmediate(() => res.end('hello'));
        cut++;
        res.writeHead(200, { 'content-length': 100 });
        res.write('hel');
        setImmediate(() => res.destroy());
      },
      { tls },
    );
    t.after(server.close);
    const agent = new (tls ? https : http).Agent({
      keepAlive: true,
      maxSockets: SOCKETS,
      ...(server.ca && { ca: server.ca }),
    });
    const sent = await Promise.all(
      Array.from({ length: REQUESTS }, () => send(new URL(server.origin), { agent })),
    );
    const failed = sent.filter(({ error }) => error !== undefined);
    assert.equal(arrived, REQUESTS);
    assert.equal(failed.length, cut);

    const idle = Object.values(agent.freeSockets).flat().length;
    let read = await scrape();
    assert.ok(idle > 0 && idle <= SOCKETS);
    assert.equal(read('http_client_open_connections', server.port, 'state="idle"'), idle);
    assert.equal(read('http_client_open_connections', server.port, 'state="active"'), 0);
    assert.equal(read('http_client_connection_duration_count', server.port), server.connections - idle);
    for (const phase of ['dns', 'connect', ...(tls ? ['tls'] : [])])
      assert.equal(
        read('http_client_connection_setup_duration_count', server.port, `phase="${phase}"`),
        server.connections,
        phase,
      );
    assert.equal(read('http_client_request_time_in_queue_count', server.port), REQUESTS - SOCKETS);

    const [[socket] = []] = Object.values(agent.freeSockets);
    assert.ok(socket);
    // An idle socket does not keep the process alive, not even for this.
    const closed = once(socket.ref(), 'close');
    await server.close();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    read = await scrape();
    assert.equal(read('http_client_open_connections', server.port, 'state="idle"'), 0);
    assert.equal(read('http_client_connection_duration_count', server.port), server.connections);
    const refused = await send(new URL(server.origin), { agent });
    assert.equal(refused.error?.code, 'ECONNREFUSED');
    read = await scrape();
    assert.equal(
      read('http_client_connection_setup_duration_count', server.port, 'error_type="ECONNREFUSED"'),
      1,
    );
    agent.destroy();
  });
