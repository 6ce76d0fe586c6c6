import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { VARIANTS } from './variants';
import { plain } from './workloads';

// Prints what a variant writes of three requests, the first of which opens the connection: of each span its name, the keys of its attributes, its events and their keys, and its links.

const exporter = new InMemorySpanExporter();
const { flush } = VARIANTS[Number(process.env.BENCH_VARIANT)]?.setUp(exporter) ?? {};

async function main(): Promise<void> {
  const server = http.createServer((_req, res) => res.end('hello')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const launch = plain(false, { ports: [port, 0], ca: '' }, { keepAlive: true });
  for (let i = 0; i < 3; i++) {
    await new Promise<void>((resolve, reject) => launch(resolve, reject));
    await setTimeout(10);
  }
  await flush?.();
  const spans = exporter.getFinishedSpans().map(({ name, kind, attributes, events, links }) => ({
    name: `${name} ${kind}`,
    attributes: Object.keys(attributes).sort(),
    events: events.map((event) => [event.name, ...Object.keys(event.attributes ?? {}).sort()].join(' ')),
    links: links.length,
  }));
  process.stdout.write(JSON.stringify(spans), () => process.exit());
}

main();
