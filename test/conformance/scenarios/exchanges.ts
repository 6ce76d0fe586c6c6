import type { Scenario } from '../scenarios';
import { NEW } from './orders';

/** What is sent and what comes back. */
export const EXCHANGES = {
  header_fields: {
    theme: 'new-and-reused',
    claim: 'header fields are told once per name, with all values, in the order and spelling of the wire',
    go: [NEW],
    args: 'Node sends the fields of the application first, in its order and spelling; Go sends its own first, and sorts the others.',
  },
  post_body: {
    theme: 'new-and-reused',
    claim: 'a body of known length shows its Content-Length',
    go: [NEW],
  },
  post_body_chunked: {
    theme: 'new-and-reused',
    claim: 'a body of unknown length shows its Transfer-Encoding',
    go: [NEW],
  },
  slow_response_headers: {
    theme: 'new-and-reused',
    claim: 'the first byte is told when it comes, not when the request was written',
    go: [NEW],
  },
  head_no_body: {
    theme: 'body',
    claim: 'a response without a body frees its connection',
    go: ['GC CS CD GO HF WH WR FB PI response end'],
  },
  chunked_body: {
    theme: 'body',
    claim: 'a connection is freed at the end of the body, not of the head',
    go: [NEW],
  },
  body_unread_close: {
    theme: 'body',
    claim: 'a body given up costs the connection',
    go: ['GC CS CD GO HF WH WR FB response', 'GC CS CD GO HF WH WR FB response'],
  },
  read_exact_chunked_then_close: {
    theme: 'body',
    claim: 'a body given up before its last chunk costs the connection',
    go: ['GC CS CD GO HF WH WR FB response'],
  },
  body_never_closed: {
    theme: 'body',
    claim: 'a body that nobody reads keeps the round trip open',
    go: ['GC CS CD GO HF WH WR FB response'],
    node: ['GC CS CD GO HF WH WR FB response'],
    why: 'The last hook comes when the body is read or given up: here it has not come yet.',
  },
  expect_continue_accepted: {
    theme: 'continue-and-1xx',
    claim: 'a body waits for 100 Continue',
    go: ['GC CS CD GO HF WH W1 FB C1 I1 WR response PI end'],
  },
  expect_continue_accepted_nodelay: {
    theme: 'continue-and-1xx',
    claim: 'the order is the same when 100 Continue comes at once',
    go: ['GC CS CD GO HF WH W1 FB C1 I1 WR response PI end'],
  },
  expect_continue_timeout_zero: {
    theme: 'continue-and-1xx',
    claim: 'a body that does not wait still might have',
    go: ['GC CS CD GO HF WH W1 WR FB response PI end'],
  },
  expect_continue_timeout: {
    theme: 'continue-and-1xx',
    claim: 'a client that gives up waiting sends its body',
    go: ['GC CS CD GO HF WH W1 WR FB response PI end'],
  },
  expect_continue_417_close: {
    theme: 'continue-and-1xx',
    claim: 'a refused body is not sent',
    go: ['GC CS CD GO HF WH W1 FB response end WR'],
    node: ['GC CS CD GO HF WH W1 FB response end WR!the request was over before it was written RT'],
    why: 'In Go the write ends without an error though nothing was written; here it has failed.',
  },
  unsolicited_100: {
    theme: 'continue-and-1xx',
    claim: 'a 100 that nobody asked for is an informational response like any other',
    go: ['GC CS CD GO HF WH WR FB I1 response PI end'],
  },
  early_hints_103: {
    theme: 'continue-and-1xx',
    claim: 'each early hint is told, and the first byte once',
    go: ['GC CS CD GO HF WH WR FB I1 I1 response PI end'],
  },
  got1xx_returns_error: {
    theme: 'continue-and-1xx',
    claim: 'an error returned for an informational response aborts the request with it',
    go: ['GC CS CD GO HF WH WR FB I1 error!hook_says_no'],
    node: ['GC CS CD GO HF WH WR FB I1 RT!HOOK_SAYS_NO error!HOOK_SAYS_NO'],
  },
  compose_order: {
    theme: 'hooks',
    claim: 'newer hooks run before older ones; an error that any of them returns counts',
    go: ['GC GC CS I1 I1 response end'],
    node: ['GC GC CS I1 I1 error'],
    why: 'In Go the older trace decides and the newer one’s error is dropped; here no error is lost.',
  },
  compose_reused_struct: {
    theme: 'hooks',
    claim: 'one trace used below two others reports to both, and each of those hears of its own request only',
    go: ['r1:shared r1:outer1 r2:shared r2:outer1 r2:outer2'],
    node: ['r1:shared r1:outer1 r2:shared r2:outer2'],
    why: 'Go changes the trace it is given, so that the first request’s outer hooks leak into the second; here nothing is changed.',
  },
  self_compose_stack_overflow: {
    theme: 'hooks',
    claim: 'the same trace attached twice runs twice',
    go: ['crash'],
    node: ['GC GC CS CS CD CD GO GO HF WH WH WR WR FB FB PI PI RT RT'],
    why: 'Go composes a trace with itself in place, and overflows the stack; here nothing is changed.',
  },
  panic_in_GetConn: {
    theme: 'hooks',
    claim: 'a throwing getConn does not reach the application',
    go: ['thrown at the caller'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT'],
    why: 'What a hook throws is reported to diag, and the request goes on.',
  },
  panic_in_GotConn: {
    theme: 'hooks',
    claim: 'a throwing gotConn does not reach the application',
    go: ['thrown at the caller'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT'],
    why: 'What a hook throws is reported to diag, and the request goes on.',
  },
  panic_in_ConnectStart: {
    theme: 'hooks',
    claim: 'a throwing connectStart does not crash the process',
    go: ['crash'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT'],
    why: 'What a hook throws is reported to diag, and the request goes on.',
  },
  panic_in_WroteHeaders: {
    theme: 'hooks',
    claim: 'a throwing wroteHeaders does not crash the process',
    go: ['crash'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT'],
    why: 'What a hook throws is reported to diag, and the request goes on.',
  },
  panic_in_GotFirstResponseByte: {
    theme: 'hooks',
    claim: 'a throwing gotFirstResponseByte does not crash the process',
    go: ['crash'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT'],
    why: 'What a hook throws is reported to diag, and the request goes on.',
  },
  panic_in_PutIdleConn: {
    theme: 'hooks',
    claim: 'a throwing putIdleConn does not crash the process',
    go: ['crash'],
    node: ['GC CS CD GO HF WH WR FB response end PI RT'],
    why: 'What a hook throws is reported to diag, and the request goes on.',
  },
} as const satisfies Record<string, Scenario>;
