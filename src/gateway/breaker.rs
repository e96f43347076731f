//! Leaves an endpoint alone that fails again and again, until it is back.
//!
//! A gateway that is down does not get up sooner for being asked more, and nobody likes to wait ten seconds for a page that says so.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::Clock,
    events::{Event, Events},
};

/// As many failures in a row open it.
const FAILURES: u32 = 5;
/// In seconds: after that one request may try whether the endpoint is back.
const OPEN_FOR: u64 = 10;

pub(crate) struct Breaker {
    clock: Clock,
    events: Arc<Events>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In a row; those of probes too.
    failures: u32,
    /// Requests that were let through, each with its number.
    admitted: u64,
    open: Option<Open>,
}

struct Open {
    since: u64,
    /// The number of the one request that is under way all the same.
    probe: Option<u64>,
}

/// The request is not to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BreakerOpen;

/// Leave to send one request; says what came of it.
#[must_use = "a request that says nothing of its end counts for nothing"]
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

    pub(crate) fn admit(&self) -> Result<Permit<'_>, BreakerOpen> {
        let mut state = self.state();
        let number = state.admitted;
        if let Some(open) = &mut state.open {
            // A clock that was set back as far has waited too, or else it would have to catch up first.
            let waited = self.clock.seconds().abs_diff(open.since) >= OPEN_FOR;
            if open.probe.is_some() || !waited {
                return Err(BreakerOpen);
            }
            open.probe = Some(number);
        }
        state.admitted += 1;
        Ok(Permit {
            breaker: self,
            number,
        })
    }

    fn answered(&self) {
        let mut state = self.state();
        let failures = mem::take(&mut state.failures);
        let was_open = state.open.take().is_some();
        drop(state);
        if was_open {
            let open = false;
            self.events.tell(Event::BreakerChanged { open, failures });
        }
    }

    fn failed(&self, number: u64) {
        let mut state = self.state();
        let was_open = state.open.is_some();
        if was_open && !state.is_probe(number) {
            // Sent before it opened: nothing new.
            return;
        }
        state.fail(self.clock.seconds());
        let (open, failures) = (state.open.is_some(), state.failures);
        drop(state);
        if open && !was_open {
            self.events.tell(Event::BreakerChanged { open, failures });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, now: u64) {
        self.failures = self.failures.saturating_add(1);
        if self.open.is_some() || self.failures >= FAILURES {
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
    /// The end of the request: whether it shows that the endpoint is broken.
    pub(crate) fn done(self, broken: bool) {
        if broken {
            self.breaker.failed(self.number);
        } else {
            self.breaker.answered();
        }
    }
}

impl Drop for Permit<'_> {
    /// Somebody who hangs up says nothing of the endpoint. But a probe that never ends would keep all others out.
    fn drop(&mut self) {
        let mut state = self.breaker.state();
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

    /// A breaker, the clock it goes by, and the changes it tells.
    fn breaker() -> (Breaker, Clock, Changes) {
        let (clock, changes) = (Clock::manual(), Changes::default());
        let told = Arc::clone(&changes);
        let hook = move |event: &Event<'_>| {
            if let Event::BreakerChanged { open, failures } = *event {
                told.lock().unwrap().push((open, failures));
            }
        };
        let events = Arc::new(Events::new(Some(Box::new(hook))));
        (Breaker::new(clock.clone(), events), clock, changes)
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.admit().unwrap().done(true);
        }
    }

    fn is_open(breaker: &Breaker) -> bool {
        breaker.admit().is_err()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let (breaker, _, changes) = breaker();
        fail(&breaker, FAILURES - 1);
        breaker.admit().unwrap().done(false);
        fail(&breaker, FAILURES - 1);
        assert!(!is_open(&breaker), "an answer came between");
        fail(&breaker, 1);
        assert!(is_open(&breaker));
        assert_eq!(*changes.lock().unwrap(), [(true, 5)]);
    }

    #[test]
    fn one_probe_goes_out_after_ten_seconds_and_closes_it() {
        let (breaker, clock, changes) = breaker();
        fail(&breaker, FAILURES);
        clock.advance(seconds(OPEN_FOR - 1));
        assert!(is_open(&breaker));
        clock.advance(seconds(1));
        let probe = breaker.admit().unwrap();
        clock.advance(seconds(100));
        assert!(is_open(&breaker), "the probe is under way");
        probe.done(false);
        assert!(!is_open(&breaker));
        fail(&breaker, FAILURES - 1);
        assert!(!is_open(&breaker), "it counts from the start again");
        assert_eq!(*changes.lock().unwrap(), [(true, 5), (false, 5)]);
    }

    #[test]
    fn failed_probe_opens_it_for_as_long_again() {
        let (breaker, clock, changes) = breaker();
        fail(&breaker, FAILURES);
        clock.advance(seconds(OPEN_FOR));
        let probe = breaker.admit().unwrap();
        clock.advance(seconds(OPEN_FOR));
        probe.done(true);
        clock.advance(seconds(OPEN_FOR - 1));
        assert!(is_open(&breaker), "counted from the end of the probe");
        clock.advance(seconds(1));
        breaker.admit().unwrap().done(false);
        assert_eq!(*changes.lock().unwrap(), [(true, 5), (false, 6)]);
    }

    #[test]
    fn probe_that_never_reports_jams_nothing() {
        let (breaker, clock, _) = breaker();
        fail(&breaker, FAILURES);
        for _ in 0..2 {
            clock.advance(seconds(OPEN_FOR));
            drop(breaker.admit().unwrap());
            assert!(is_open(&breaker), "it counts as failed");
            clock.advance(seconds(OPEN_FOR));
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _probe = breaker.admit().unwrap();
                panic!("on purpose");
            }));
            assert!(panicked.is_err() && is_open(&breaker));
        }
        clock.advance(seconds(OPEN_FOR));
        breaker.admit().unwrap().done(false);
        assert!(!is_open(&breaker));
    }

    #[test]
    fn those_who_hang_up_do_not_open_it() {
        let (breaker, ..) = breaker();
        for _ in 0..=FAILURES {
            drop(breaker.admit().unwrap());
        }
        assert!(!is_open(&breaker));
    }

    #[test]
    fn request_from_before_it_opened_is_no_probe() {
        let (breaker, clock, changes) = breaker();
        let [failed, answered] = [(); 2].map(|()| breaker.admit().unwrap());
        fail(&breaker, FAILURES);
        clock.advance(seconds(OPEN_FOR));
        let probe = breaker.admit().unwrap();
        failed.done(true);
        assert!(is_open(&breaker), "the probe is still the only one");
        answered.done(false);
        assert!(!is_open(&breaker), "any answer shows that it is back");
        fail(&breaker, FAILURES);
        drop(probe);
        clock.advance(seconds(OPEN_FOR));
        breaker.admit().unwrap().done(false);
        let told = changes.lock().unwrap().clone();
        assert_eq!(told, [(true, 5), (false, 5), (true, 5), (false, 5)]);
    }

    #[test]
    fn clock_that_is_set_back_does_not_keep_it_open() {
        let (breaker, clock, _) = breaker();
        fail(&breaker, FAILURES);
        clock.rewind(seconds(3_600));
        assert!(breaker.admit().is_ok(), "set back for good");
        clock.rewind(seconds(OPEN_FOR - 1));
        assert!(is_open(&breaker));
        clock.advance(seconds(2 * OPEN_FOR));
        assert!(breaker.admit().is_ok(), "set back a little");
    }
}
