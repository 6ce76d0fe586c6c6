import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asInNode, expected, SCENARIOS, type Scenario } from './scenarios';

const RECORDED_FROM_GO = `
  get_new_conn get_ipv6_literal keepalive_reused idle_200ms_then_reuse head_no_body chunked_body slow_response_headers body_unread_close
  read_exact_chunked_then_close body_never_closed disable_keepalives max_idle_per_host_negative server_connection_close request_connection_close
  max_idle_per_host_1_two_parallel stale_idle_detected stale_idle_retry_get stale_idle_post_not_retried stale_idle_post_idempotency_key_retried
  stale_idle_two_retries server_closes_before_headers server_resets_before_headers post_body post_body_chunked post_body_read_error header_fields
  write_error_small_request expect_continue_accepted expect_continue_accepted_nodelay expect_continue_timeout_zero expect_continue_417_close
  expect_continue_timeout unsolicited_100 early_hints_103 got1xx_returns_error https_new https_reused tls_untrusted_cert tls_wrong_hostname
  tls_handshake_timeout connect_refused dns_failure_nxdomain localhost_name dns_one_address dns_idn_host happy_eyeballs_v6_refuses dial_timeout
  dns_coalesced unix_socket custom_dialer_without_ctx max_conns_per_host_1_queue late_binding_idle_conn_wins late_binding_dial_fails_later
  proxy_plain_http proxy_connect_https proxy_refused redirect ctx_already_cancelled invalid_header_value cancel_in_dns cancel_in_connect
  cancel_waiting_for_response cancel_while_reading_body response_header_timeout h2_new_nodelay h2_header_fields h2_new h2_two_sequential
  h2_two_concurrent_warm h2_post h2_early_hints_103 h2_body_unread_close h2_cancel_waiting_for_response h2_offered_h1_chosen compose_order
  compose_reused_struct panic_in_GetConn panic_in_GotConn panic_in_ConnectStart panic_in_WroteHeaders panic_in_GotFirstResponseByte
  panic_in_PutIdleConn self_compose_stack_overflow`
  .trim()
  .split(/\s+/);

test('the table lists every scenario recorded from Go exactly once', () => {
  const listed = Object.keys(SCENARIOS);
  assert.equal(RECORDED_FROM_GO.length, 83);
  assert.deepEqual(listed.sort(), [...RECORDED_FROM_GO].sort());
});

test('a scenario whose order differs from Go’s says why, and no other does', () => {
  for (const [name, scenario] of Object.entries<Scenario>(SCENARIOS)) {
    const differs =
      String(expected(scenario).map(withoutErrors)) !== String(scenario.go.map(asInNode).map(withoutErrors));
    assert.equal(scenario.why !== undefined, differs, name);
  }
});

/** What an error is called differs between Go and Node, and is no difference in order; that a failed request ends with one is no news. */
function withoutErrors(order: string): string {
  return order
    .replace(/!.*?(?=$| [A-Z][A-Z0-9]\b| response| end| error| bodyerror)/g, '!')
    .replace('RT!', 'RT');
}
