//! Events are counted under the names that the documentation lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use telenor_auth::{
    StartScript, TelenorAuthLayer,
    mock::{Answer, Endpoint},
    session::{Fault, FaultyStore, MemoryStore},
};

use crate::support::{self, App};

/// Counts how often each metric was touched, labels and all.
#[derive(Default)]
struct Counted {
    slots: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    /// The help text of each metric.
    described: Mutex<BTreeMap<String, String>>,
}

struct Recorded(Arc<AtomicU64>);

impl HistogramFn for Recorded {
    fn record(&self, value: f64) {
        assert!((0.0..60.0).contains(&value), "seconds, and not {value}");
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counted {
    fn describe(&self, name: &KeyName, text: SharedString) {
        let mut described = self.described.lock().unwrap();
        described.insert(name.as_str().to_owned(), text.into_owned());
    }

    fn slot(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Arc::clone(
            self.slots
                .lock()
                .unwrap()
                .entry(name.trim().to_owned())
                .or_default(),
        )
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        assert!(unit == Some(Unit::Count) && !text.is_empty());
        self.describe(&name, text);
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        assert!(unit == Some(Unit::Seconds) && !text.is_empty());
        self.describe(&name, text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.slot(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Recorded(self.slot(key))))
    }
}

/// Returns how often `story` touches each metric, and asserts that each is documented.
pub fn counted(story: impl Future<Output = ()>) -> Vec<(String, u64)> {
    let counted = Counted::default();
    // One thread, so that the tasks of the layer count here too.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&counted, || runtime.block_on(story));
    let described = counted.described.into_inner().unwrap();
    let counted = counted.slots.into_inner().unwrap();
    let documented = include_str!("../../../src/events/mod.rs");
    let counted = counted.into_iter().map(|(name, count)| {
        let bare = name.split(' ').next().unwrap();
        assert!(
            documented.contains(&format!("`{bare}`")),
            "{bare} is documented"
        );
        assert!(described.contains_key(bare), "{bare} is described");
        (name, count.load(Ordering::SeqCst))
    });
    counted.collect()
}

fn named(counted: &[(String, u64)]) -> Vec<(&str, u64)> {
    let counted = counted.iter().filter(|(_, count)| *count > 0);
    counted
        .map(|(name, count)| (name.as_str(), *count))
        .collect()
}

#[test]
fn each_series_exists_at_zero_before_its_first_event() {
    let counted = counted(async {
        let built = TelenorAuthLayer::builder("id", "secret", "https://app.test/callback").build();
        assert!(built.is_ok());
    });
    let documented = include_str!("../../../src/events/mod.rs");
    let names: BTreeSet<_> = documented
        .split('`')
        .filter(|word| word.starts_with("telenor_auth_"))
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let mut series = counted
            .iter()
            .filter(|(series, _)| series.starts_with(name));
        assert!(series.clone().count() > 0, "{name}");
        assert!(series.all(|(_, count)| *count == 0), "{name}");
    }
    for series in [
        "telenor_auth_logins_failed_total cause=client_rejected",
        "telenor_auth_breaker_changes_total grant=refresh_token state=open",
        "telenor_auth_sessions_refused_total reason=cookie_unreadable",
        "telenor_auth_start_pages_total step=returned",
        "telenor_auth_gateway_call_seconds endpoint=token outcome=timed_out",
    ] {
        assert!(counted.iter().any(|(known, _)| known == series), "{series}");
    }
}

#[test]
fn help_text_of_each_metric_is_that_of_the_page_about_monitoring() {
    let counted = Counted::default();
    metrics::with_local_recorder(&counted, || {
        let built = TelenorAuthLayer::builder("id", "secret", "https://app.test/callback").build();
        assert!(built.is_ok());
    });
    let page = include_str!("../../../docs/monitoring.md");
    let documented = page
        .lines()
        .filter(|line| line.starts_with("| `telenor_auth_"));
    let documented = documented.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let name = cells.next().unwrap().trim_matches('`').to_owned();
        let text = cells.next_back().unwrap().replace(['[', ']', '`'], "");
        let first = text[..1].to_uppercase();
        (name, first + &text[1..])
    });
    let described = counted.described.into_inner().unwrap();
    assert_eq!(described, documented.collect());
}

/// S57.
#[test]
fn logins_failures_and_calls_are_counted_by_name() {
    let counted = counted(async {
        let app = App::start().await;
        let mut browser = app.signed_in().await;
        browser.open("/name").await;
        let mut other = app.browser();
        let denied = app.gateway.deny(&other.start("/private").await).unwrap();
        other.open(&denied).await;
        let foreign = [("origin", "https://evil.test")];
        let form = support::request(http::Method::POST, "/form", &foreign);
        browser.send(form).await;
        let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
        browser
            .send(support::request(
                http::Method::POST,
                "/telenor/logout",
                &headers,
            ))
            .await;
    });
    assert_eq!(
        named(&counted),
        [
            ("telenor_auth_cross_origin_refused_total", 1),
            (
                "telenor_auth_gateway_call_seconds endpoint=api outcome=ok",
                1
            ),
            (
                "telenor_auth_gateway_call_seconds endpoint=logout outcome=ok",
                1
            ),
            (
                "telenor_auth_gateway_call_seconds endpoint=token outcome=ok",
                1
            ),
            ("telenor_auth_logins_failed_total cause=access_denied", 1),
            ("telenor_auth_logins_started_total trigger=challenge", 2),
            ("telenor_auth_logins_succeeded_total", 1),
            ("telenor_auth_logouts_total", 1),
        ]
    );
}

#[test]
fn steps_of_the_start_page_are_counted_by_step() {
    let counted = counted(async {
        let app = App::with(|builder| builder.start_script(StartScript::inline("void 0"))).await;
        for _ in 0..2 {
            let start = app.browser().start("/private").await;
            app.browser().open(&start).await;
        }
        let logged_in = app.gateway.login(&app.router, "/whoami").await;
        assert!(logged_in.is_ok());
    });
    let steps: Vec<_> = named(&counted)
        .into_iter()
        .filter(|(name, _)| name.starts_with("telenor_auth_start_pages_total"))
        .collect();
    assert_eq!(
        steps,
        [
            ("telenor_auth_start_pages_total step=passed", 1),
            ("telenor_auth_start_pages_total step=returned", 1),
            ("telenor_auth_start_pages_total step=shown", 3),
        ]
    );
}

#[test]
fn breaker_counts_its_changes_and_its_refusals() {
    let counted = counted(async {
        let app = App::start().await;
        app.gateway
            .answer_always(Endpoint::Token, Answer::status(500));
        for after in [0, 10].into_iter().chain([0; 11]) {
            app.clock.advance(Duration::from_secs(after));
            let mut browser = app.browser();
            let callback = browser.callback_url(&app.gateway, "/private").await;
            browser.open(&callback).await;
        }
        app.gateway.answer_normally(Endpoint::Token);
        app.clock.advance(Duration::from_secs(10));
        app.signed_in().await;
    });
    assert_eq!(
        named(&counted),
        [
            (
                "telenor_auth_breaker_changes_total grant=authorization_code state=closed",
                1
            ),
            (
                "telenor_auth_breaker_changes_total grant=authorization_code state=open",
                1
            ),
            (
                "telenor_auth_gateway_call_seconds endpoint=token outcome=failed",
                11
            ),
            (
                "telenor_auth_gateway_call_seconds endpoint=token outcome=ok",
                1
            ),
            ("telenor_auth_logins_failed_total cause=provider_error", 11),
            (
                "telenor_auth_logins_failed_total cause=provider_unavailable",
                2
            ),
            ("telenor_auth_logins_started_total trigger=challenge", 14),
            ("telenor_auth_logins_succeeded_total", 1),
        ]
    );
}

#[test]
fn each_store_failure_is_counted() {
    let counted = counted(async {
        let store = FaultyStore::new(MemoryStore::new());
        let faulty = store.clone();
        let app = App::with(|builder| builder.session_store(store)).await;
        let mut browser = app.signed_in().await;
        let mut other = app.browser();
        let callback = other.callback_url(&app.gateway, "/private").await;
        faulty.set(Fault::Error);
        browser.open("/private").await;
        browser.open("/perhaps").await;
        other.open(&callback).await;
    });
    let failures = counted
        .iter()
        .find(|(name, _)| name == "telenor_auth_store_failures_total");
    assert_eq!(failures.map(|(_, count)| *count), Some(3));
}
