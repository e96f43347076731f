//! The breaker: failures of earlier requests, the pause, the trial, and what it reports.

use std::{sync::Arc, time::Duration};

use shuttle::thread;

use crate::{
    clock::Clock,
    events::{Event, Events, GrantType},
    explore::{Model, Search},
    gateway::breaker::Breaker,
    sync::{Mutex, lock},
};

models! {
    "breaker":
    old_failures_do_not_begin_a_pause, Search::Every;
    failure_from_before_the_pause_does_not_count_after_it, Search::Some(50_000);
    pause_refuses_all_until_it_is_over, Search::Every;
    success_closes_it_for_all, Search::Every;
    never_stuck_open, Search::Some(50_000);
    reports_each_change_once_and_the_last_one_last, Search::Some(50_000);
}

/// In seconds: how long requests must fail, and how long a pause is.
const TEN: Duration = Duration::from_secs(10);
/// So many failures in a row open it.
const ENOUGH: usize = 11;

/// A breaker, its clock, and the changes that it reports.
struct Checked {
    breaker: Breaker,
    clock: Clock,
    changes: Arc<Mutex<Vec<bool>>>,
}

impl Checked {
    fn new() -> Self {
        let (clock, changes) = (Clock::manual(), Arc::<Mutex<Vec<bool>>>::default());
        let reported = Arc::clone(&changes);
        let hook = move |event: &Event<'_>| {
            if let Event::BreakerChanged { open, .. } = *event {
                lock(&reported).push(open);
            }
        };
        let events = Arc::new(Events::new(Some(Box::new(hook))));
        Self {
            breaker: Breaker::new(GrantType::AuthorizationCode, clock.clone(), events),
            clock,
            changes,
        }
    }

    /// One more failure opens it.
    fn almost_open() -> Self {
        let checked = Self::new();
        checked.fail(1);
        checked.clock.advance(TEN);
        checked.fail(ENOUGH - 2);
        checked
    }

    fn fail(&self, times: usize) {
        for _ in 0..times {
            self.breaker.try_acquire().unwrap().record(true);
        }
    }

    fn fail_if_sent(&self) {
        if let Ok(permit) = self.breaker.try_acquire() {
            permit.record(true);
        }
    }

    fn refuses(&self) -> bool {
        self.breaker.try_acquire().is_err()
    }

    /// What must hold after everything: each change is reported once, and the last one last.
    fn has_reported_its_changes(&self) {
        let changes = lock(&self.changes).clone();
        for (at, open) in changes.iter().enumerate() {
            assert_eq!(*open, at % 2 == 0, "opened and closed in turn: {changes:?}");
        }
        let open = changes.last().copied().unwrap_or(false);
        assert_eq!(open, self.breaker.is_open(), "{changes:?}");
    }
}

/// Ten requests of a trial have failed. Those that were sent before it fail too, now.
fn old_failures_do_not_begin_a_pause() {
    let checked = Checked::new();
    let [first, second] = [(); 2].map(|()| checked.breaker.try_acquire().unwrap());
    checked.fail(1);
    checked.clock.advance(TEN);
    checked.fail(ENOUGH - 1);
    assert!(checked.refuses());
    checked.clock.advance(TEN);
    checked.fail(1);
    checked.clock.advance(TEN);
    checked.fail(ENOUGH - 3);
    thread::scope(|threads| {
        threads.spawn(|| first.record(true));
        threads.spawn(|| second.record(true));
        threads.spawn(|| checked.fail(1));
    });
    assert!(!checked.refuses(), "one too few in this trial");
}

/// It is reported in any moment, from the opening to the trial. Of the trial, ten requests fail.
fn failure_from_before_the_pause_does_not_count_after_it() {
    let checked = Checked::almost_open();
    let old = checked.breaker.try_acquire().unwrap();
    thread::scope(|threads| {
        threads.spawn(|| old.record(true));
        checked.fail_if_sent();
        checked.clock.advance(TEN);
        checked.fail(1);
        checked.clock.advance(TEN);
        checked.fail(ENOUGH - 2);
    });
    assert!(!checked.refuses(), "one too few in this trial");
}

/// Those who know that it is open are refused, and it is open once for all.
/// S56.
fn pause_refuses_all_until_it_is_over() {
    let checked = Checked::almost_open();
    let try_it = || {
        let was_open = checked.breaker.is_open();
        let permit = checked.breaker.try_acquire();
        assert!(!(was_open && permit.is_ok()), "sent in a pause");
        if let Ok(permit) = permit {
            permit.record(true);
        }
    };
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(try_it);
        }
    });
    assert!(checked.refuses());
    checked.clock.advance(TEN);
    assert!(!checked.refuses(), "the pause is over");
}

/// One success, also of an earlier request, and the breaker sends what comes after it.
/// S56.
fn success_closes_it_for_all() {
    let checked = Checked::almost_open();
    let good = checked.breaker.try_acquire().unwrap();
    thread::scope(|threads| {
        threads.spawn(|| checked.fail_if_sent());
        good.record(false);
        assert!(!checked.refuses(), "one failure since the success");
    });
    assert!(!checked.breaker.is_open());
}

/// In each order: when the pause is over, a request is sent, and its success closes the breaker.
/// S56.
fn never_stuck_open() {
    let checked = Checked::almost_open();
    thread::scope(|threads| {
        for failed in [true, true, false] {
            let checked = &checked;
            threads.spawn(move || {
                for _ in 0..2 {
                    if let Ok(permit) = checked.breaker.try_acquire() {
                        permit.record(failed);
                    }
                }
            });
        }
        threads.spawn(|| (0..2).for_each(|_| checked.clock.advance(TEN)));
    });
    checked.clock.advance(TEN);
    let permit = checked.breaker.try_acquire();
    permit.expect("a pause lasts for ten seconds").record(false);
    assert!(!checked.breaker.is_open());
    assert!(!checked.refuses());
}

/// An alarm that stays on, or off, would be wrong until the next outage.
fn reports_each_change_once_and_the_last_one_last() {
    let checked = Checked::almost_open();
    let (good, better) = (
        checked.breaker.try_acquire().unwrap(),
        checked.breaker.try_acquire().unwrap(),
    );
    thread::scope(|threads| {
        threads.spawn(|| checked.fail_if_sent());
        threads.spawn(|| good.record(false));
        threads.spawn(|| better.record(false));
    });
    checked.has_reported_its_changes();
}
