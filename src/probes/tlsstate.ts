import type { TLSSocket } from 'node:tls';
import type { TlsState } from '../clienttrace';

/** What a handshake agreed on. Cheap getters only: `getPeerCertificate()` costs more than all other phases of a request together. */
export function tlsState(socket: TLSSocket): TlsState {
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher()?.standardName ?? '',
    alpnProtocol: socket.alpnProtocol || '',
    resumed: socket.isSessionReused(),
    servername: (socket as TLSSocket & { servername?: string | false }).servername || '',
    authorized: socket.authorized,
  };
}
