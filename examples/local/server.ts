import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { generate } from 'selfsigned';

/** A server on this machine, on a port of the system's choice. */
export interface LocalServer {
  readonly origin: string;
  /** The certificate to trust, for https. */
  readonly ca: string | undefined;
  close(): Promise<void>;
}

/**
 * Starts an http server, or an https server with a certificate that is made now and that nobody trusts unless told to.
 * @param onExpect - asked instead of `handler` when the client waits for `100 Continue`
 */
export async function serve(
  protocol: 'http:' | 'https:',
  handler: http.RequestListener,
  onExpect?: http.RequestListener,
): Promise<LocalServer> {
  const made = protocol === 'https:' ? await certificate() : undefined;
  const server = made ? https.createServer(made, handler) : http.createServer(handler);
  // Longer than any example pauses.
  server.keepAliveTimeout = 60_000;
  if (onExpect) server.on('checkContinue', onExpect);
  // By name: wherever this machine's lookup of localhost leads first, there we are.
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    origin: `${protocol}//localhost:${(server.address() as AddressInfo).port}`,
    ca: made?.cert,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An origin that refuses connections: its port is that of a client's socket, so that until it is closed no server can be given it. */
export async function serveNobody(): Promise<Pick<LocalServer, 'origin' | 'close'>> {
  const server = net.createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  const holder = net.connect(port, address);
  await Promise.all([once(server, 'connection'), once(holder, 'connect')]);
  return {
    origin: `http://localhost:${holder.localPort}`,
    close: async () => {
      holder.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function certificate(): Promise<{ key: string; cert: string }> {
  const extensions = [
    { name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: 'localhost' }] },
  ];
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    extensions,
  });
  return { key: made.private, cert: made.cert };
}
