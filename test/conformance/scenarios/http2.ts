import type { Scenario } from '../scenarios';

const FIRST = 'GC CS CD TS TD GO HF WH WR FB response end';
const NEXT = 'GC GO HF WH WR FB response end';

/** The streams of a session of `node:http2`. */
export const HTTP2 = {
  h2_new: {
    theme: 'http2',
    claim: 'the first stream shows how the connection was made, and no return to a pool',
    go: [FIRST],
  },
  h2_new_nodelay: {
    theme: 'http2',
    claim: 'the order is the same when the server answers at once',
    go: [FIRST, NEXT, NEXT, NEXT, NEXT],
  },
  h2_two_sequential: {
    theme: 'http2',
    claim: 'a stream on an idle session tells how long it was idle',
    go: [FIRST, NEXT],
  },
  h2_two_concurrent_warm: {
    theme: 'http2',
    claim: 'a stream beside another one is on a reused connection that was not idle',
    go: [FIRST, NEXT, NEXT],
  },
  h2_header_fields: {
    theme: 'http2',
    claim: 'header fields are told one value at a time, pseudo header fields first',
    go: [FIRST],
    args: 'Node sends pseudo header fields in another order than Go, adds no accept-encoding and no user-agent, and does not split cookies.',
  },
  h2_post: {
    theme: 'http2',
    claim: 'a body is written before the response is waited for',
    go: [FIRST],
  },
  h2_early_hints_103: {
    theme: 'http2',
    claim: 'an early hint is told, and the first byte once',
    go: ['GC CS CD TS TD GO HF WH WR FB I1 response end'],
  },
  h2_body_unread_close: {
    theme: 'http2',
    claim: 'a body given up does not cost the connection',
    go: ['GC CS CD TS TD GO HF WH WR FB response', 'GC GO HF WH WR FB response'],
  },
  h2_cancel_waiting_for_response: {
    theme: 'http2',
    claim: 'a request given up does not cost the connection',
    go: ['GC CS CD TS TD GO HF WH WR error!canceled', NEXT],
    node: ['GC CS CD TS TD GO HF WH WR RT!ABORT_ERR error!ABORT_ERR', 'GC GO HF WH WR FB response RT end'],
  },
} as const satisfies Record<string, Scenario>;
