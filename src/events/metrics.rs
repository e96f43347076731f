//! Counts events through the `metrics` facade, under the names in the table of [`events`](super).

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use super::{Event, GatewayEndpoint, GatewayOutcome, GrantType, LoginTrigger, StartPageStep};
use crate::{failure::FailureCause, session_refusal::SessionRefusal};

/// Describes every metric, and makes its series exist before the first event. Without that, the
/// first failure is no increase.
pub(super) fn describe() {
    for (name, description) in [
        (
            "telenor_auth_logins_succeeded_total",
            "Logins that made a session",
        ),
        ("telenor_auth_logouts_total", "Users who logged out"),
        (
            "telenor_auth_revocations_total",
            "Calls of the app that ended one session, those of a subject, or all",
        ),
        (
            "telenor_auth_refreshes_total",
            "Access tokens that were refreshed",
        ),
        (
            "telenor_auth_cross_origin_refused_total",
            "Requests of other origins in the name of a signed-in user",
        ),
        (
            "telenor_auth_store_failures_total",
            "Failures of the session store",
        ),
    ] {
        describe_counter!(name, Unit::Count, description);
        counter!(name).increment(0);
    }
    for (name, description) in [
        (
            "telenor_auth_logins_failed_total",
            "Logins that failed, and forged callbacks",
        ),
        (
            "telenor_auth_refreshes_failed_total",
            "Refreshes that failed",
        ),
    ] {
        describe_counter!(name, Unit::Count, description);
        for cause in FailureCause::ALL {
            counter!(name, "cause" => cause.as_str()).increment(0);
        }
    }
    let name = "telenor_auth_sessions_refused_total";
    describe_counter!(
        name,
        Unit::Count,
        "Requests with a session cookie and no live session"
    );
    let counted = |reason: &SessionRefusal| *reason != SessionRefusal::NoCookie;
    for reason in SessionRefusal::ALL.into_iter().filter(counted) {
        counter!(name, "reason" => reason.as_str()).increment(0);
    }
    let name = "telenor_auth_logins_started_total";
    describe_counter!(name, Unit::Count, "Browsers that were sent to Telenor");
    for trigger in LoginTrigger::ALL {
        counter!(name, "trigger" => trigger.as_str()).increment(0);
    }
    let name = "telenor_auth_start_pages_total";
    describe_counter!(
        name,
        Unit::Count,
        "Logins that reached a step of the start page"
    );
    for step in StartPageStep::ALL {
        counter!(name, "step" => step.as_str()).increment(0);
    }
    let name = "telenor_auth_breaker_changes_total";
    describe_counter!(
        name,
        Unit::Count,
        "How often the pause of the token endpoint began (open) and ended (closed)"
    );
    for grant in GrantType::ALL {
        for state in ["open", "closed"] {
            let labels = [("grant", grant.as_str()), ("state", state)];
            counter!(name, &labels).increment(0);
        }
    }
    let name = "telenor_auth_gateway_call_seconds";
    describe_histogram!(
        name,
        Unit::Seconds,
        "Requests to Telenor, and how long they took"
    );
    for endpoint in GatewayEndpoint::ALL {
        for outcome in GatewayOutcome::ALL {
            let labels = [
                ("endpoint", endpoint.as_str()),
                ("outcome", outcome.as_str()),
            ];
            // To register it is enough.
            let _ = histogram!(name, &labels);
        }
    }
}

pub(super) fn record(event: &Event<'_>) {
    match *event {
        Event::LoginStarted { trigger, .. } => {
            counter!("telenor_auth_logins_started_total", "trigger" => trigger.as_str())
                .increment(1);
        }
        Event::StartPage { step, .. } => {
            counter!("telenor_auth_start_pages_total", "step" => step.as_str()).increment(1);
        }
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
        Event::CrossOriginRefused { .. } => {
            counter!("telenor_auth_cross_origin_refused_total").increment(1);
        }
        Event::StoreFailed { .. } => counter!("telenor_auth_store_failures_total").increment(1),
        Event::GatewayCall {
            endpoint,
            outcome,
            duration,
            ..
        } => {
            let labels = [
                ("endpoint", endpoint.as_str()),
                ("outcome", outcome.as_str()),
            ];
            histogram!("telenor_auth_gateway_call_seconds", &labels).record(duration);
        }
        Event::BreakerChanged { grant, open, .. } => {
            let state = if open { "open" } else { "closed" };
            let labels = [("grant", grant.as_str()), ("state", state)];
            counter!("telenor_auth_breaker_changes_total", &labels).increment(1);
        }
    }
}
