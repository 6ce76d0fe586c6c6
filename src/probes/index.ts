import { Connection } from '../connection';
import { agentProbe } from './agent';
import { firstByteProbe } from './firstbyte';
import { foreignAgentProbe } from './foreign';
import { http1Probe } from './http1';
import { http2Probe } from './http2';
import { closingProbe } from './openconnections';
import { undoAll } from './patch';
import { resolverProbe } from './resolvers';
import { abandonRoundTrips } from './roundtrip';
import { dialProbe } from './sockets';
import { undiciProbe } from './undici';

const PROBES = [
  resolverProbe,
  dialProbe,
  closingProbe,
  agentProbe,
  foreignAgentProbe,
  http1Probe,
  firstByteProbe,
  undiciProbe,
  http2Probe,
];

let users = 0;
let undo: (() => void)[] = [];

/** Has Node watched, from the first caller until the last has called the returned function. */
export function watch(): () => void {
  if (users++ === 0) {
    Connection.beginWatch();
    undo = PROBES.map((probe) => probe());
  }
  return () => {
    if (--users > 0) return;
    undoAll(undo);
    undo = [];
    abandonRoundTrips();
  };
}
