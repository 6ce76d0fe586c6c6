import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { serve } from './servers';

/** A span as it came over the wire. */
export interface WireSpan {
  readonly scope: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  /** The protocol's number: 1 is INTERNAL, 3 is CLIENT. */
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { name: string; time: bigint }[];
  readonly links: readonly { traceId: string; spanId: string }[];
  /** 2 is an error. */
  readonly status: number;
}

/** The messages of OpenTelemetry's protocol, from its own .proto files. The newest version of the package that has them. */
interface Message<T> {
  decode(bytes: Uint8Array): T;
  verify(message: unknown): string | null;
  fromObject(object: object): T;
  toObject(message: T, options: object): Request;
}
const { ExportTraceServiceRequest }: { ExportTraceServiceRequest: Message<object> } =
  require('otlp-proto-check/build/src/generated/root.js').opentelemetry.proto.collector.trace.v1;

interface Value {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: Value[] };
}
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: Attribute[];
  readonly events?: { readonly name: string; readonly timeUnixNano: string }[];
  readonly links?: { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}
interface Request {
  readonly resourceSpans?: {
    readonly scopeSpans?: { readonly scope?: { readonly name: string }; readonly spans?: SentSpan[] }[];
  }[];
}

/** A collector that takes traces by OTLP/HTTP, in JSON and in protobuf, and refuses what is not by the protocol. */
export async function collectOtlp() {
  const spans: WireSpan[] = [];
  const requests: string[] = [];
  const problems: unknown[] = [];
  const server = await serve(async (req, res) => {
    const type = String(req.headers['content-type']);
    requests.push(`${req.method} ${req.url} ${type}`);
    const sent = await buffer(req);
    const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isJson = type === 'application/json';
    try {
      if (req.url === '/v1/traces') spans.push(...spansIn(isJson ? fromJson(body) : fromProtobuf(body)));
      res.setHeader('content-type', type).end(isJson ? '{}' : '');
    } catch (error) {
      problems.push(error);
      res.writeHead(400).end();
    }
  });
  return { ...server, spans, requests, problems };
}

const AS_JSON = { longs: String, bytes: String, enums: Number };

function fromProtobuf(bytes: Buffer): Request {
  const message = ExportTraceServiceRequest.decode(bytes);
  assert.equal(ExportTraceServiceRequest.verify(message), null);
  return hexIds(ExportTraceServiceRequest.toObject(message, AS_JSON)) as Request;
}

/** Ids are in hex, unlike in any other protobuf's JSON. Fields that the protocol does not have would be lost: that nothing is shows there are none. */
function fromJson(bytes: Buffer): Request {
  const sent = JSON.parse(bytes.toString());
  const message = ExportTraceServiceRequest.fromObject(base64Ids(sent) as object);
  assert.equal(ExportTraceServiceRequest.verify(message), null);
  const understood = hexIds(ExportTraceServiceRequest.toObject(message, AS_JSON));
  assert.deepEqual(paths(understood), paths(sent));
  return understood as Request;
}

const ID = /^(traceId|spanId|parentSpanId)$/;

function mapIds(value: unknown, convert: (id: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => mapIds(each, convert));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      ID.test(key) && typeof each === 'string' ? convert(each) : mapIds(each, convert),
    ]),
  );
}

const hexIds = (value: unknown) => mapIds(value, (id) => Buffer.from(id, 'base64').toString('hex'));
const base64Ids = (value: unknown) => mapIds(value, (id) => Buffer.from(id, 'hex').toString('base64'));

/** Where in an object there is something, without what is empty. */
function paths(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value)
    .flatMap(([key, each]) => paths(each, `${at}/${key}`))
    .sort();
}

function spansIn({ resourceSpans = [] }: Request): WireSpan[] {
  return resourceSpans.flatMap(({ scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) => spans.map((span) => read(span, scope?.name ?? ''))),
  );
}

function read(span: SentSpan, scope: string): WireSpan {
  const { name, traceId, spanId, parentSpanId = '', kind, links = [], events = [] } = span;
  return {
    scope,
    name,
    traceId,
    spanId,
    parentSpanId,
    kind,
    start: BigInt(span.startTimeUnixNano),
    end: BigInt(span.endTimeUnixNano),
    attributes: Object.fromEntries((span.attributes ?? []).map(({ key, value }) => [key, plain(value)])),
    events: events.map((event) => ({ name: event.name, time: BigInt(event.timeUnixNano) })),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    status: span.status?.code ?? 0,
  };
}

function plain(value: Value): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}

/** The names of a span and what is below it: `GET > { http.getconn > { http.dns }, http.wait }`. */
export function wireTree(span: WireSpan, all: readonly WireSpan[]): string {
  const children = all
    .filter((each) => each.parentSpanId === span.spanId)
    .sort((a, b) => Number(a.start - b.start))
    .map((child) => wireTree(child, all));
  return children.length === 0 ? span.name : `${span.name} > { ${children.join(', ')} }`;
}
