/** A request on a new connection to an IP address. */
export const NEW = 'GC CS CD GO HF WH WR FB response PI end';
/** The same by https. */
export const NEW_TLS = 'GC CS CD TS TD GO HF WH WR FB response PI end';
/** The same to a name. */
export const NEW_NAMED = 'GC DS DD CS CD GO HF WH WR FB response PI end';
/** A new connection that is not kept. */
export const NEW_CLOSED = 'GC CS CD GO HF WH WR FB response end';
/** A request on a connection that is there. */
export const REUSED = 'GC GO HF WH WR FB response PI end';
