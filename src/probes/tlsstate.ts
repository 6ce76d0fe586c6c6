import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
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

/** The property is documented, but anybody may have set it. To ask for the class alone costs as much as a listener. */
export function isTls(socket: Socket & { readonly encrypted?: boolean }): socket is TLSSocket {
  return socket.encrypted === true && socket instanceof TLSSocket;
}
