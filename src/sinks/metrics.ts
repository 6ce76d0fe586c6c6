import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type ObservableResult,
} from '@opentelemetry/api';
import { metrics } from '../api';
import { Connection } from '../connection';
import type { DialTrace, Measurer, MeasurerSource, Server } from '../measuring';
import * as names from '../names';
import { DialMetrics, type PhaseAttributes, phasesTo } from './dialmetrics';

/** Those of the semantic conventions, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const LIFETIME_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** The one meter that does nothing. */
const NOOP = createNoopMeter();

/** How many servers are kept in mind: of the attributes of so many, with two states each, the SDK keeps count by default (2,000). */
const MOST_SERVERS = 1_000;

/** The measurer of each meter: two instrumentations with one MeterProvider measure once. */
const measurers = new WeakMap<Meter, Metrics>();

/**
 * Where the measurer of an instrumentation comes from: `meter`, if it is one that does something. If not, the global MeterProvider is looked at each time,
 * because of one that is registered later nobody tells: there is no proxy for it in the API (1.9, 1.10).
 */
export function measurerSource(meter: Meter, name: string, version: string): MeasurerSource {
  let looked: MeterProvider | undefined;
  let found = meter;
  return () => {
    if (found !== NOOP) return measurerOf(found);
    const provider = metrics.getMeterProvider();
    if (provider === looked) return undefined;
    looked = provider;
    found = provider.getMeter(name, version);
    return found === NOOP ? undefined : measurerOf(found);
  };
}

function measurerOf(meter: Meter): Metrics {
  const known = measurers.get(meter);
  if (known !== undefined) return known;
  const measurer = new Metrics(meter);
  measurers.set(meter, measurer);
  return measurer;
}

interface KnownServer {
  readonly host: string;
  readonly port: number;
  readonly attributes: Attributes;
  readonly phases: PhaseAttributes;
  /** How many connections to it were reported last. */
  reported: number;
}

/** Measures of connections, lookups and queues as OpenTelemetry metrics. */
class Metrics implements Measurer {
  readonly #openConnections;
  readonly #lifetime: Histogram;
  readonly #lookup: Histogram;
  readonly #queue: Histogram;
  readonly #setup: Histogram;
  readonly #servers = new Map<string, KnownServer>();
  #latest: KnownServer | undefined;
  #isOver = false;

  constructor(meter: Meter) {
    const histogram = (name: string, description: string, buckets = BUCKETS) =>
      meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: buckets } });
    this.#openConnections = meter.createObservableUpDownCounter(names.METRIC_HTTP_CLIENT_OPEN_CONNECTIONS, {
      description: 'Number of outbound HTTP connections that are currently active or idle on the client.',
      unit: '{connection}',
    });
    this.#lifetime = histogram(
      names.METRIC_HTTP_CLIENT_CONNECTION_DURATION,
      'The duration of the successfully established outbound HTTP connections.',
      LIFETIME_BUCKETS,
    );
    this.#lookup = histogram(
      names.METRIC_DNS_LOOKUP_DURATION,
      'Measures the time taken to perform a DNS lookup.',
    );
    this.#queue = histogram(
      names.METRIC_HTTP_CLIENT_REQUEST_TIME_IN_QUEUE,
      'The amount of time requests spent on a queue waiting for an available connection.',
    );
    this.#setup = histogram(
      names.METRIC_HTTP_CLIENT_CONNECTION_SETUP_DURATION,
      'The duration of each phase of making an outbound HTTP connection: dns, connect (an attempt each), tls.',
    );
  }

  begin(): void {
    this.#isOver = false;
    this.#openConnections.addCallback(this.#observe);
  }

  end(): void {
    this.#isOver = true;
  }

  dial(server: Server): DialTrace {
    return new DialMetrics(this.#lookup, this.#setup, this.#known(server).phases);
  }

  leftQueue(server: Server, waited: number): void {
    this.#queue.record(waited / 1000, this.#known(server).attributes);
  }

  closed(server: Server, lifetime: number): void {
    this.#lifetime.record(lifetime / 1000, this.#known(server).attributes);
  }

  /** Reports zero, too, as a counter would: of what is not observed the SDK repeats the last value, for ever. */
  readonly #observe = (result: ObservableResult): void => {
    const counts = new Map<string, { known: KnownServer; active: number; idle: number }>();
    for (const [key, known] of this.#servers) counts.set(key, { known, active: 0, idle: 0 });
    for (const { server, isIdle } of this.#isOver ? [] : Connection.allOpen()) {
      const key = keyOf(server);
      const count = counts.get(key) ?? { known: this.#known(server), active: 0, idle: 0 };
      count[isIdle ? 'idle' : 'active']++;
      counts.set(key, count);
    }
    for (const { known, active, idle } of counts.values()) {
      known.reported = active + idle;
      result.observe(active, { ...known.attributes, [names.ATTR_HTTP_CONNECTION_STATE]: 'active' });
      result.observe(idle, { ...known.attributes, [names.ATTR_HTTP_CONNECTION_STATE]: 'idle' });
    }
    if (!this.#isOver) return;
    this.#openConnections.removeCallback(this.#observe);
    this.#servers.clear();
    this.#latest = undefined;
  };

  /** What is kept of a server, which is now the latest known. */
  #known(server: Server): KnownServer {
    const { host, port } = server;
    const latest = this.#latest;
    if (latest !== undefined && latest.host === host && latest.port === port) return latest;
    const key = keyOf(server);
    const known = this.#servers.get(key) ?? knownServer(server);
    this.#latest = known;
    this.#servers.delete(key);
    this.#servers.set(key, known);
    if (this.#servers.size > MOST_SERVERS) this.#forgetOldest();
    return known;
  }

  #forgetOldest(): void {
    const [oldest] = this.#servers;
    if (oldest === undefined) return;
    const [key, known] = oldest;
    this.#servers.delete(key);
    // Not before it was reported with zero.
    if (known.reported > 0) this.#servers.set(key, known);
  }
}

function keyOf({ host, port }: Server): string {
  return `${host} ${port}`;
}

function knownServer({ host, port }: Server): KnownServer {
  const attributes = { [names.ATTR_SERVER_ADDRESS]: host, [names.ATTR_SERVER_PORT]: port };
  return { host, port, attributes, phases: phasesTo(attributes), reported: 0 };
}
