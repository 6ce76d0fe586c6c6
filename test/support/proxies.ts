import net, { type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { serveRaw, type TestServer } from './servers';

/** A proxy on loopback. It takes every name for this machine, also those that only it can resolve. */
export interface TestProxy extends TestServer {
  /** What it was asked for: `GET http://target.test:80/`, `CONNECT target.test:443`. */
  readonly asked: string[];
  /** The port of its client, by the port from which the server behind it was connected. */
  readonly clientPorts: Map<number, number>;
}

type Client = Socket & { upstream?: Socket };

/** Forwards absolute-form requests, and makes tunnels for `CONNECT`. It does so with bytes: requests of its own would be traced. */
export function httpProxy(t?: TestContext): Promise<TestProxy> {
  return serveProxy(t, (client, proxy) => {
    const asks = (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      const [, method = '', target = '', port = '80', path] =
        /^([A-Z]+) ((?:http:\/\/)?[^/: ]+:?(\d+)?(\/\S*)?) HTTP/.exec(text) ?? [];
      proxy.asked.push(`${method} ${target}`);
      if (method !== 'CONNECT') {
        client.upstream ??= upstreamOf(client, proxy, Number(port), (upstream) => upstream.pipe(client));
        client.upstream.write(text.replace(target, path ?? '/'), 'latin1');
        return;
      }
      client.off('data', asks);
      upstreamOf(client, proxy, Number(port), (upstream) => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
    };
    client.on('data', asks);
  });
}

/** A SOCKS5 proxy that asks nobody who they are. */
export function socksProxy(t?: TestContext): Promise<TestProxy> {
  return serveProxy(t, (client, proxy) => {
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (wish) => {
        const end = 5 + (wish[4] ?? 0);
        const [host, port] = [wish.toString('latin1', 5, end), wish.readUInt16BE(end)];
        proxy.asked.push(`SOCKS5 ${host}:${port}`);
        upstreamOf(client, proxy, port, (upstream) => {
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          client.pipe(upstream).pipe(client);
        });
      });
    });
  });
}

/** A proxy that refuses to make a tunnel. */
export function refusingProxy(t: TestContext): Promise<TestProxy> {
  return serveProxy(t, (client) => {
    client.once('data', () =>
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n'),
    );
  });
}

async function serveProxy(
  t: TestContext | undefined,
  onClient: (client: Client, proxy: TestProxy) => void,
): Promise<TestProxy> {
  const server = await serveRaw((client) => onClient(client, proxy));
  const proxy: TestProxy = Object.assign(server, {
    origin: `http://localhost:${server.port}`,
    asked: [],
    clientPorts: new Map<number, number>(),
  });
  t?.after(() => server.close());
  return proxy;
}

function upstreamOf(
  client: Socket,
  proxy: TestProxy,
  port: number,
  onConnect: (upstream: Socket) => void,
): Socket {
  const upstream = net.connect(port, '127.0.0.1', () => {
    proxy.clientPorts.set(upstream.localPort ?? 0, client.remotePort ?? 0);
    onConnect(upstream);
  });
  client.on('close', () => upstream.destroy());
  return upstream.on('error', () => {}).on('close', () => client.destroy());
}
