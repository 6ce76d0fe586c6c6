import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, isIPv6 } from 'node:net';
import tls from 'node:tls';
import { type Certificate, certificate } from './certs';

/** A server on loopback, on a port of the system's choice. */
export interface TestServer {
  readonly port: number;
  readonly origin: string;
  /** The address as `ip:port`, with IPv6 in brackets. */
  readonly address: string;
  /** The certificate to trust, for https. */
  readonly ca: string | undefined;
  /** The remote port of the connection that brought each path: what the server saw. */
  readonly remotePorts: Map<string, number>;
  /** How many connections were opened. */
  connections: number;
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly tls?: boolean | (Certificate & https.ServerOptions);
  readonly host?: string;
  readonly port?: number;
  readonly keepAliveTimeout?: number;
}

/** An http or https server for the handler. */
export async function serve(handler: http.RequestListener, options: ServeOptions = {}): Promise<TestServer> {
  const remotePorts = new Map<string, number>();
  const listener: http.RequestListener = (req, res) => {
    remotePorts.set(req.url ?? '', req.socket.remotePort ?? 0);
    handler(req, res);
  };
  const cert = options.tls === true ? await certificate() : options.tls || undefined;
  const server = cert === undefined ? http.createServer(listener) : https.createServer(cert, listener);
  server.keepAliveTimeout = options.keepAliveTimeout ?? 60_000;
  return await listening(server, cert, remotePorts, options);
}

/** A server that speaks bytes, over TLS if there is a certificate: for responses that no http server would send. */
export async function serveRaw(
  onConnection: (socket: net.Socket) => void,
  options: Pick<ServeOptions, 'host' | 'port'> & { readonly tls?: Certificate } = {},
): Promise<TestServer> {
  const listener = (socket: net.Socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  };
  const server = options.tls ? tls.createServer(options.tls, listener) : net.createServer(listener);
  return await listening(server, options.tls, new Map(), options);
}

/** Has a server listen, and knows its connections. */
export async function listening(
  server: net.Server,
  cert: Certificate | undefined,
  remotePorts: Map<string, number>,
  { host = '127.0.0.1', port = 0 }: Pick<ServeOptions, 'host' | 'port'>,
): Promise<TestServer> {
  const open = new Set<net.Socket>();
  const test: { -readonly [K in keyof TestServer]: TestServer[K] } = {
    port: 0,
    origin: '',
    address: '',
    ca: cert?.cert,
    remotePorts,
    connections: 0,
    close: async () => {
      for (const socket of open) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('connection', (socket: net.Socket) => {
    test.connections++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  test.port = (server.address() as AddressInfo).port;
  test.origin = `${cert === undefined ? 'http' : 'https'}://localhost:${test.port}`;
  test.address = isIPv6(host) ? `[${host}]:${test.port}` : `${host}:${test.port}`;
  return test;
}

/**
 * A port of 127.0.0.1 that refuses connections: that of a client's socket, so that meanwhile no server can be given it. It is bound, not only connected: Linux would give
 * it to the client that connects to it as well, which then is connected to itself.
 */
export async function closedPort(): Promise<number> {
  const server = net.createServer((socket) => socket.unref()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const holder = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' });
  await Promise.all([once(server, 'connection'), once(holder, 'connect')]);
  holder.unref();
  server.close();
  return holder.localPort ?? 0;
}
