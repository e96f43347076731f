//! Events are counted under the names that the documentation lists.

#![cfg(all(feature = "metrics", feature = "mock"))]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use common::App;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Counts how often each metric was touched, labels and all.
#[derive(Default)]
struct Counted(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

struct Recorded(Arc<AtomicU64>);

impl HistogramFn for Recorded {
    fn record(&self, value: f64) {
        assert!((0.0..60.0).contains(&value), "seconds, and not {value}");
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counted {
    fn slot(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Arc::clone(
            self.0
                .lock()
                .unwrap()
                .entry(name.trim().to_owned())
                .or_default(),
        )
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

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

#[test]
fn logins_failures_and_calls_are_counted_by_name() {
    let counted = Counted::default();
    // One thread, so that the tasks of the layer count here too.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&counted, || {
        runtime.block_on(async {
            let app = App::start().await;
            let mut browser = app.signed_in().await;
            browser.open("/name").await;
            let mut other = app.browser();
            let denied = app.gateway.deny(&other.start("/private").await).unwrap();
            other.open(&denied).await;
            let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
            browser
                .send(common::request(
                    http::Method::POST,
                    "/telenor/logout",
                    &headers,
                ))
                .await;
        });
    });
    let counted = counted.0.into_inner().unwrap();
    let counted: Vec<_> = counted
        .iter()
        .map(|(name, count)| (name.as_str(), count.load(Ordering::SeqCst)))
        .collect();
    assert_eq!(
        counted,
        [
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
            ("telenor_auth_logins_started_total", 2),
            ("telenor_auth_logins_succeeded_total", 1),
            ("telenor_auth_logouts_total", 1),
        ]
    );
    let documented = include_str!("../src/events/mod.rs");
    for (name, _) in counted {
        let name = name.split(' ').next().unwrap();
        assert!(
            documented.contains(&format!("`{name}`")),
            "{name} is documented"
        );
    }
}
