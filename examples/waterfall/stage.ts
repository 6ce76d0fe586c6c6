import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { serve, serveNobody } from '../local/server';

/** What scenes are played on: servers of this process, and the agents that talk to them. */
export interface Stage {
  readonly http: string;
  readonly https: string;
  /** Where nobody listens. */
  readonly nobody: string;
  /** Keeps connections, and trusts the https server. */
  readonly agent: https.Agent;
  /** Trusts only whom everybody trusts. */
  readonly distrustful: https.Agent;
  /** One connection, and whoever comes second waits. */
  readonly single: http.Agent;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const nobody = await serveNobody();
  const servers = [await serve('http:', respond), await serve('https:', respond, consider)] as const;
  const [plain, secure] = servers;
  // A NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would spoil a scene.
  const strict = { keepAlive: true, rejectUnauthorized: true };
  const agents = {
    agent: new https.Agent({ ...strict, ...(secure.ca && { ca: secure.ca }) }),
    distrustful: new https.Agent(strict),
    single: new http.Agent({ keepAlive: true, maxSockets: 1 }),
  };
  return {
    http: plain.origin,
    https: secure.origin,
    nobody: nobody.origin,
    ...agents,
    close: async () => {
      for (const agent of Object.values(agents)) agent.destroy();
      for (const server of [...servers, nobody]) await server.close();
    },
  };
}

/** Thinks for a while before it lets the client send its body. */
const consider: http.RequestListener = async (req, res) => {
  await pause(50);
  res.writeContinue();
  respond(req, res);
};

const respond: http.RequestListener = async (req, res) => {
  if (req.method === 'POST') {
    const { length } = await text(req);
    res.writeHead(201).end(`received ${length} bytes\n`);
  } else if (req.url === '/slow') {
    await pause(300);
    for (let i = 0; i < 5; i++) {
      res.write('slowly\n');
      await pause(40);
    }
    res.end();
  } else {
    if (req.url?.startsWith('/queue/')) await pause(60);
    res.end('hello\n');
  }
};
