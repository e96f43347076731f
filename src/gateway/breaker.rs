//! A circuit breaker: sends no requests to an endpoint that keeps failing, until it recovers.
//!
//! More requests do not help a gateway that is down. And a visitor should not wait ten seconds for
//! a page that says so.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use crate::{
    clock::Clock,
    events::{Event, Events},
    sync::lock,
};

/// This many failures in a row open the breaker.
const FAILURE_THRESHOLD: u32 = 5;
/// In seconds. After this time one request, the probe, may test whether the endpoint has recovered.
const COOLDOWN: u64 = 10;

pub(crate) struct Breaker {
    clock: Clock,
    events: Arc<Events>,
    state: Mutex<BreakerState>,
}

#[derive(Default)]
struct BreakerState {
    /// Failures in a row, including those of probes.
    failures: u32,
    /// How many requests were permitted. The next permit gets this number.
    permitted: u64,
    open: Option<Open>,
}

struct Open {
    since: u64,
    /// The number of the probe that is in progress.
    probe: Option<u64>,
}

/// The breaker is open: the request must not be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BreakerOpen;

/// A permit to send one request. It records the outcome of the request.
#[must_use = "a request whose outcome is not recorded does not count"]
pub(crate) struct Permit<'b> {
    breaker: &'b Breaker,
    number: u64,
}

impl Breaker {
    pub(crate) fn new(clock: Clock, events: Arc<Events>) -> Self {
        Self {
            clock,
            events,
            state: Mutex::default(),
        }
    }

    pub(crate) fn try_acquire(&self) -> Result<Permit<'_>, BreakerOpen> {
        let mut state = lock(&self.state);
        let number = state.permitted;
        if let Some(open) = &mut state.open {
            // A clock that was set back by the cooldown or more counts as having waited. Otherwise
            // the breaker would stay open until the clock had caught up.
            let waited = self.clock.seconds().abs_diff(open.since) >= COOLDOWN;
            if open.probe.is_some() || !waited {
                return Err(BreakerOpen);
            }
            open.probe = Some(number);
        }
        state.permitted += 1;
        Ok(Permit {
            breaker: self,
            number,
        })
    }

    fn on_success(&self) {
        let mut state = lock(&self.state);
        let failures = mem::take(&mut state.failures);
        let was_open = state.open.take().is_some();
        drop(state);
        if was_open {
            let open = false;
            self.events.emit(Event::BreakerChanged { open, failures });
        }
    }

    fn on_failure(&self, number: u64) {
        let mut state = lock(&self.state);
        let was_open = state.open.is_some();
        if was_open && !state.is_probe(number) {
            // The request was sent before the breaker opened.
            return;
        }
        state.fail(self.clock.seconds());
        let (open, failures) = (state.open.is_some(), state.failures);
        drop(state);
        if open && !was_open {
            self.events.emit(Event::BreakerChanged { open, failures });
        }
    }
}

impl BreakerState {
    fn fail(&mut self, now: u64) {
        self.failures = self.failures.saturating_add(1);
        if self.open.is_some() || self.failures >= FAILURE_THRESHOLD {
            self.open = Some(Open {
                since: now,
                probe: None,
            });
        }
    }

    fn is_probe(&self, number: u64) -> bool {
        let probe = self.open.as_ref().and_then(|open| open.probe);
        probe == Some(number)
    }
}

impl Permit<'_> {
    /// Records whether the outcome of the request shows that the endpoint fails.
    pub(crate) fn record(self, failed: bool) {
        if failed {
            self.breaker.on_failure(self.number);
        } else {
            self.breaker.on_success();
        }
    }
}

impl Drop for Permit<'_> {
    /// A request that was dropped shows nothing about the endpoint. But a probe that never reports
    /// would keep the breaker open without end.
    fn drop(&mut self) {
        let mut state = lock(&self.breaker.state);
        if state.is_probe(self.number) {
            state.fail(self.breaker.clock.seconds());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        time::Duration,
    };

    use super::*;

    type Changes = Arc<Mutex<Vec<(bool, u32)>>>;

    /// A breaker, its clock, and the changes that it emits.
    fn breaker() -> (Breaker, Clock, Changes) {
        let (clock, changes) = (Clock::manual(), Changes::default());
        let emitted = Arc::clone(&changes);
        let hook = move |event: &Event<'_>| {
            if let Event::BreakerChanged { open, failures } = *event {
                emitted.lock().unwrap().push((open, failures));
            }
        };
        let events = Arc::new(Events::new(Some(Box::new(hook))));
        (Breaker::new(clock.clone(), events), clock, changes)
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.try_acquire().unwrap().record(true);
        }
    }

    fn is_open(breaker: &Breaker) -> bool {
        breaker.try_acquire().is_err()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let (breaker, _, changes) = breaker();
        fail(&breaker, FAILURE_THRESHOLD - 1);
        breaker.try_acquire().unwrap().record(false);
        fail(&breaker, FAILURE_THRESHOLD - 1);
        assert!(!is_open(&breaker), "a success came in between");
        fail(&breaker, 1);
        assert!(is_open(&breaker));
        assert_eq!(*changes.lock().unwrap(), [(true, 5)]);
    }

    #[test]
    fn one_probe_goes_out_after_ten_seconds_and_closes_it() {
        let (breaker, clock, changes) = breaker();
        fail(&breaker, FAILURE_THRESHOLD);
        clock.advance(seconds(COOLDOWN - 1));
        assert!(is_open(&breaker));
        clock.advance(seconds(1));
        let probe = breaker.try_acquire().unwrap();
        clock.advance(seconds(100));
        assert!(is_open(&breaker), "the probe is in progress");
        probe.record(false);
        assert!(!is_open(&breaker));
        fail(&breaker, FAILURE_THRESHOLD - 1);
        assert!(!is_open(&breaker), "it counts from the start again");
        assert_eq!(*changes.lock().unwrap(), [(true, 5), (false, 5)]);
    }

    #[test]
    fn failed_probe_opens_it_for_as_long_again() {
        let (breaker, clock, changes) = breaker();
        fail(&breaker, FAILURE_THRESHOLD);
        clock.advance(seconds(COOLDOWN));
        let probe = breaker.try_acquire().unwrap();
        clock.advance(seconds(COOLDOWN));
        probe.record(true);
        clock.advance(seconds(COOLDOWN - 1));
        assert!(is_open(&breaker), "counted from the end of the probe");
        clock.advance(seconds(1));
        breaker.try_acquire().unwrap().record(false);
        assert_eq!(*changes.lock().unwrap(), [(true, 5), (false, 6)]);
    }

    #[test]
    fn probe_that_never_reports_does_not_keep_it_open() {
        let (breaker, clock, _) = breaker();
        fail(&breaker, FAILURE_THRESHOLD);
        for _ in 0..2 {
            clock.advance(seconds(COOLDOWN));
            drop(breaker.try_acquire().unwrap());
            assert!(is_open(&breaker), "it counts as failed");
            clock.advance(seconds(COOLDOWN));
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _probe = breaker.try_acquire().unwrap();
                panic!("on purpose");
            }));
            assert!(panicked.is_err() && is_open(&breaker));
        }
        clock.advance(seconds(COOLDOWN));
        breaker.try_acquire().unwrap().record(false);
        assert!(!is_open(&breaker));
    }

    #[test]
    fn dropped_requests_do_not_open_it() {
        let (breaker, ..) = breaker();
        for _ in 0..=FAILURE_THRESHOLD {
            drop(breaker.try_acquire().unwrap());
        }
        assert!(!is_open(&breaker));
    }

    #[test]
    fn request_from_before_it_opened_is_not_a_probe() {
        let (breaker, clock, changes) = breaker();
        let [failed, answered] = [(); 2].map(|()| breaker.try_acquire().unwrap());
        fail(&breaker, FAILURE_THRESHOLD);
        clock.advance(seconds(COOLDOWN));
        let probe = breaker.try_acquire().unwrap();
        failed.record(true);
        assert!(is_open(&breaker), "the probe is still in progress");
        answered.record(false);
        assert!(
            !is_open(&breaker),
            "any success shows that it has recovered"
        );
        fail(&breaker, FAILURE_THRESHOLD);
        drop(probe);
        clock.advance(seconds(COOLDOWN));
        breaker.try_acquire().unwrap().record(false);
        let emitted = changes.lock().unwrap().clone();
        assert_eq!(emitted, [(true, 5), (false, 5), (true, 5), (false, 5)]);
    }

    #[test]
    fn clock_that_is_set_back_does_not_keep_it_open() {
        let (breaker, clock, _) = breaker();
        fail(&breaker, FAILURE_THRESHOLD);
        clock.rewind(seconds(3_600));
        assert!(breaker.try_acquire().is_ok(), "set back by an hour");
        clock.rewind(seconds(COOLDOWN - 1));
        assert!(is_open(&breaker));
        clock.advance(seconds(2 * COOLDOWN));
        assert!(breaker.try_acquire().is_ok(), "set back a little");
    }
}
