import {
  type Client,
  type ClientReadableStream,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  makeGenericClientConstructor,
  type requestCallback,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

/** A service without a `.proto`: text in, text out. */
const ECHO = {
  Echo: { path: '/test.Echo/Echo', requestStream: false, responseStream: false, ...text },
  Repeat: { path: '/test.Echo/Repeat', requestStream: false, responseStream: true, ...text },
} satisfies ServiceDefinition;

interface EchoClient extends Client {
  Echo(request: string, callback: requestCallback<string>): void;
  Repeat(request: string): ClientReadableStream<string>;
}

export interface Service {
  readonly port: number;
  /** A client with a channel of its own. */
  client(): EchoClient;
  close(): void;
}

/** The service, on loopback. `fail` is answered with an error; `Repeat` says it three times. */
export async function serveEcho(): Promise<Service> {
  const Echo: handleUnaryCall<string, string> = ({ request }, callback) =>
    request === 'fail' ? callback({ code: 7, details: 'denied' }) : callback(null, request);
  const Repeat: handleServerStreamingCall<string, string> = (call) => {
    for (let i = 0; i < 3; i++) call.write(call.request);
    call.end();
  };
  const server = new Server();
  server.addService(ECHO, { Echo, Repeat });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const clients: Client[] = [];
  const EchoClient = makeGenericClientConstructor(ECHO, 'Echo');
  return {
    port,
    client: () => {
      // By default channels to one target share their connections.
      const options = { 'grpc.use_local_subchannel_pool': 1 };
      const client = new EchoClient(`localhost:${port}`, credentials.createInsecure(), options);
      clients.push(client);
      return client as unknown as EchoClient;
    },
    close: () => {
      for (const client of clients) client.close();
      server.forceShutdown();
    },
  };
}

export function echo(client: EchoClient, request: string): Promise<string | undefined> {
  return new Promise((resolve, reject) =>
    client.Echo(request, (error, value) => (error ? reject(error) : resolve(value))),
  );
}

export async function repeat(client: EchoClient, request: string): Promise<string[]> {
  const values: string[] = [];
  for await (const value of client.Repeat(request)) values.push(value);
  return values;
}
