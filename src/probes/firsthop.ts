import type { ClientRequest } from 'node:http';
import { diag } from '@opentelemetry/api';
import { type Server, willMeasure } from '../measuring';
import { asciiHost, type Target } from './hostport';
import { isNodeAgent } from './nodeagent';

/** What agents have that tell where they connect to: Node's own, and those that are built like them. */
interface AgentInternals {
  readonly protocol?: string;
  readonly defaultPort?: number;
  readonly options?: RequestOptions & { readonly proxyEnv?: unknown };
  /** agent-base and its kin: a URL, or host and port. */
  readonly proxy?: unknown;
  /** `tunnel`. */
  readonly proxyOptions?: unknown;
}

interface RequestOptions {
  readonly host?: string;
  readonly port?: number | string;
  readonly socketPath?: string;
}

interface Hop {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Where a request is going first: to its agent's proxy, if the agent tells of one, else to its target. Found out when it is asked for. */
export class FirstHop implements Target {
  private hop: Hop | undefined;

  /** @param options - those of the request, in which Node has filled in host and port */
  constructor(
    private readonly agent: unknown,
    private readonly req: ClientRequest,
    private readonly options: unknown,
  ) {}

  get protocol(): 'http:' | 'https:' {
    const asked = this.agent as AgentInternals | null | undefined;
    return (this.req.protocol ?? asked?.protocol) === 'https:' ? 'https:' : 'http:';
  }
  get host(): string {
    return this.found.host;
  }
  get port(): number {
    return this.found.port;
  }

  private get found(): Hop {
    if (this.hop === undefined) {
      const asked = (this.agent ?? {}) as AgentInternals;
      const wanted = optionsOf(this.options);
      const target = targetOf(asked, wanted, this.protocol);
      this.hop = proxyOf(asked, wanted, target) ?? target;
    }
    return this.hop;
  }
}

/** The same of a request that was not seen to ask for a connection, as its `Host` header has it. */
export function targetByHeader(req: ClientRequest): Target {
  const protocol = req.protocol === 'https:' ? 'https:' : 'http:';
  const port = /:(\d+)$/.exec(String(req.getHeader('host') ?? ''))?.[1] ?? DEFAULT_PORTS[protocol];
  return { protocol, host: asciiHost(req.host), port: Number(port) };
}

/** Where a connection leads that is about to be made; undefined if nobody measures. */
export function measuredHop(agent: unknown, req: ClientRequest, options: unknown): Server | undefined {
  if (!willMeasure()) return undefined;
  const { host, port } = new FirstHop(agent, req, options);
  return { host, port };
}

/** Agents before Node had options were asked with the host alone. */
function optionsOf(options: unknown): RequestOptions {
  return ((typeof options === 'string' ? { host: options } : options) ?? {}) as RequestOptions;
}

/** The options of an agent of Node's win over the request's, as they do in Node. */
function targetOf(agent: AgentInternals, wanted: RequestOptions, protocol: string): Hop {
  const own = isNodeAgent(agent) ? (agent as AgentInternals).options : undefined;
  return {
    host: asciiHost(own?.host || wanted.host || 'localhost'),
    port: Number(own?.port || wanted.port || agent.defaultPort || (protocol === 'https:' ? 443 : 80)),
  };
}

function proxyOf(agent: AgentInternals, wanted: RequestOptions, target: Hop): Hop | undefined {
  try {
    // Read only where it matters: Node keeps the options in dictionaries, in which to look costs V8 a hundred instructions.
    if (agent.options?.proxyEnv)
      return agent.options.socketPath || wanted.socketPath ? undefined : nodeProxy(agent, target);
    return hop(agent.proxy) ?? hop(agent.proxyOptions);
  } catch (error) {
    diag.debug('httptrace: an agent does not tell its proxy; getConn names the target', error);
    return undefined;
  }
}

/** A `URL`, what `url.parse` returns, or host and port; undefined if it is nothing of that kind, or does not tell the port. */
function hop(proxy: unknown): Hop | undefined {
  if (typeof proxy !== 'object' || proxy === null) return undefined;
  const { hostname, host, port, protocol } = proxy as Readonly<Record<string, unknown>>;
  // Of those that have both, `host` includes the port.
  const name = hostname || host;
  const number = Number(port || DEFAULT_PORTS[String(protocol)]);
  return typeof name === 'string' && name !== '' && Number.isInteger(number)
    ? { host: asciiHost(name), port: number }
    : undefined;
}

interface ProxyConfig {
  readonly proxyConnectionOptions?: unknown;
  shouldUseProxy?(host: string, port: number): boolean;
}

/** Node keeps the proxy of `http.Agent({ proxyEnv })` (since 22.21 and 24.5) under a symbol that it does not export. */
function nodeProxy(agent: AgentInternals, { host, port }: Hop): Hop | undefined {
  const symbol = Object.getOwnPropertySymbols(agent).find(
    ({ description }) => description === 'kProxyConfig',
  );
  const config = symbol && (agent as Record<symbol, ProxyConfig | null | undefined>)[symbol];
  return config?.shouldUseProxy?.(host, port) ? hop(config.proxyConnectionOptions) : undefined;
}
