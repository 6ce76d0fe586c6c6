import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificate } from '../support/certs';

// The server of the benchmark, in a process of its own: its work is not counted. Tells its ports, then answers.
certificate().then(({ key, cert }) => {
  const answer: http.RequestListener = (req, res) => {
    req.resume();
    req.on('end', () => res.end('hello'));
  };
  const servers = [http.createServer(answer), https.createServer({ key, cert }, answer)];
  for (const server of servers) {
    server.keepAliveTimeout = 600_000;
    // On all addresses of the loopback: every one of 127.0.0.0/8 is a host.
    server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 });
  }
  const ports = () => servers.map((server) => (server.address() as AddressInfo | null)?.port);
  const tell = () => process.send?.({ ports: ports(), ca: cert });
  Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve)))).then(
    tell,
  );
});
process.on('disconnect', () => process.exit());
