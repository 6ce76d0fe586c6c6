import dgram from 'node:dgram';
import { once } from 'node:events';

/** A name server on loopback: every name is at 127.0.0.1, and has no other address; names in `.invalid` do not exist. */
export interface NameServer {
  /** As `setServers` wants it. */
  readonly address: string;
  /** The questions it was asked: `A one.test`. */
  readonly queries: string[];
  close(): void;
}

const HEADER = 12;
const TYPES = new Map([
  [1, 'A'],
  [28, 'AAAA'],
]);

export async function serveNames(): Promise<NameServer> {
  const socket = dgram.createSocket('udp4');
  const queries: string[] = [];
  socket.on('message', (message, { port, address }) => {
    const labels: string[] = [];
    let at = HEADER;
    for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = TYPES.get(message.readUInt16BE(at + 1)) ?? 'other';
    queries.push(`${type} ${labels.join('.')}`);
    const question = message.subarray(HEADER, at + 5);
    const exists = labels.at(-1) !== 'invalid';
    socket.send(answer(message.subarray(0, 2), question, exists, exists && type === 'A'), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.unref();
  return { address: `127.0.0.1:${socket.address().port}`, queries, close: () => socket.close() };
}

function answer(id: Buffer, question: Buffer, exists: boolean, hasAddress: boolean): Buffer {
  const flags = exists ? [0x81, 0x80] : [0x81, 0x83];
  const counts = [0, 1, 0, hasAddress ? 1 : 0, 0, 0, 0, 0];
  // The name of the question, class IN, 0 seconds (the resolver of Node 22.12 has a cache of its own), 4 bytes.
  const record = [0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1];
  return Buffer.concat([
    id,
    Buffer.from([...flags, ...counts]),
    question,
    Buffer.from(hasAddress ? record : []),
  ]);
}
