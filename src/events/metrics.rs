//! Counts events through the `metrics` facade, under the names in the table of [`events`](super).

use metrics::{counter, histogram};

use super::Event;

pub(super) fn record(event: &Event<'_>) {
    match *event {
        Event::LoginStarted { .. } => counter!("telenor_auth_logins_started_total").increment(1),
        Event::LoginSucceeded { .. } => {
            counter!("telenor_auth_logins_succeeded_total").increment(1);
        }
        Event::LoginFailed { cause, .. } => {
            counter!("telenor_auth_logins_failed_total", "cause" => cause.as_str()).increment(1);
        }
        Event::LoggedOut => counter!("telenor_auth_logouts_total").increment(1),
        Event::SessionsRevoked { .. } => counter!("telenor_auth_revocations_total").increment(1),
        Event::TokenRefreshed { .. } => counter!("telenor_auth_refreshes_total").increment(1),
        Event::RefreshFailed { cause, .. } => {
            counter!("telenor_auth_refreshes_failed_total", "cause" => cause.as_str()).increment(1);
        }
        Event::SessionRefused { reason } => {
            counter!("telenor_auth_sessions_refused_total", "reason" => reason.as_str())
                .increment(1);
        }
        Event::StoreFailed { .. } => counter!("telenor_auth_store_failures_total").increment(1),
        Event::GatewayCall {
            endpoint,
            outcome,
            duration,
        } => {
            let labels = [
                ("endpoint", endpoint.as_str()),
                ("outcome", outcome.as_str()),
            ];
            histogram!("telenor_auth_gateway_call_seconds", &labels).record(duration);
        }
        Event::BreakerChanged { open, .. } => {
            let state = if open { "open" } else { "closed" };
            counter!("telenor_auth_breaker_changes_total", "state" => state).increment(1);
        }
    }
}
