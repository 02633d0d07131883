//! The proxy's promises, one module each, named after the promise.
//!
//! Real TLS, real HTTP/2, real files, on loopback. Callers here never retry: a call that fails is a test that fails.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test should panic, and one that cannot run should say so"
)]

mod caller;
mod dns;
mod pki;
mod raw_server;
mod rig;
mod server;
mod strangers_keep_nobody_waiting;
mod stretch;

mod a_burst_of_callers_waits_in_the_queue;
mod a_check_tells_what_would_happen;
mod a_goodbye_of_the_server_fails_no_call;
mod a_limit_of_streams_starves_no_call;
mod a_name_that_moves_is_followed;
mod a_new_api_key_fails_no_call;
mod a_new_identity_fails_no_call;
mod a_refused_candidate_is_never_adopted;
mod a_server_that_ends_what_it_accepts_is_not_stormed;
mod a_servers_ca_is_rolled_over;
mod a_service_manager_is_told;
mod a_silent_server_is_left_for_another;
mod a_stalled_log_stalls_no_call;
mod an_http_proxy_lets_calls_through;
mod an_identity_that_nears_its_end_is_told;
mod an_outage_fails_no_call_within_its_deadline;
mod callers_may_be_asked_for_a_certificate;
mod callers_meet_http2_by_the_book;
mod each_call_reaches_its_own_upstream;
mod half_written_files_are_never_adopted;
mod large_and_slow_streams_pass;
mod load_tools_find_no_fault;
mod names_are_asked_of_dns;
mod only_loopback_unless_told;
mod resumption_never_hides_a_new_identity;
mod signals_drain_and_recheck;
mod the_admin_endpoint_tells;
mod the_help_says_what_it_is;
mod unprocessed_calls_are_replayed;
