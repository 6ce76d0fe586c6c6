import type { AbsentScenario } from '../scenarios';

const HTTP2 =
  'Node’s http and https clients speak HTTP/1.1 only: HTTP/2 is the transport of node:http2 and of undici.';
const FIRST = 'GC CS CD TS TD GO HF WH WR FB response end';
const NEXT = 'GC GO HF WH WR FB response end';

/** Scenarios of Go that have no meaning for Node's `http` and `https` clients, each with its reason. */
export const ABSENT = {
  h2_new_nodelay: { go: [FIRST, NEXT, NEXT, NEXT, NEXT], absent: HTTP2 },
  h2_header_fields: { go: [FIRST], absent: HTTP2 },
  h2_new: { go: [FIRST], absent: HTTP2 },
  h2_two_sequential: { go: [FIRST, NEXT], absent: HTTP2 },
  h2_two_concurrent_warm: { go: [FIRST, NEXT, NEXT], absent: HTTP2 },
  h2_post: { go: [FIRST], absent: HTTP2 },
  h2_early_hints_103: { go: ['GC CS CD TS TD GO HF WH WR FB I1 response end'], absent: HTTP2 },
  h2_body_unread_close: {
    go: ['GC CS CD TS TD GO HF WH WR FB response', 'GC GO HF WH WR FB response'],
    absent: HTTP2,
  },
  h2_cancel_waiting_for_response: {
    go: ['GC CS CD TS TD GO HF WH WR error!canceled', NEXT],
    absent: HTTP2,
  },
} as const satisfies Record<string, AbsentScenario>;
