//! A circuit breaker: sends no requests to an endpoint that keeps failing, until it recovers.
//!
//! More requests do not help a gateway that is down. And a visitor should not wait ten seconds for
//! a page that says so.
//!
//! # What strangers can do to it
//!
//! A stranger can start logins, and can send made-up codes for them. If the gateway answers a bad
//! code with a server error, or late, each of these requests fails. The breaker cannot tell such a
//! failure from one of the gateway's own. So failures alone must not shut out the users whose codes
//! are good:
//!
//! - The breaker does not open while requests succeed. It opens when [`ENOUGH`] requests in a row
//!   failed, and requests have failed for [`FAILING_TIME`] seconds without one that succeeded. A
//!   site with one good login in that time stays open to all, however many made-up codes there are.
//! - Where good logins are rarer, a stranger can open it. It then refuses requests for [`PAUSE`]
//!   seconds, and not longer. The logins that it refuses stay pending: their codes were not sent.
//! - After the pause, a trial begins with the next request. In a trial every request is sent, not
//!   one alone: a single probe could always be the stranger's. One success ends it and closes the
//!   breaker. The next pause begins only by the rule above: [`ENOUGH`] requests of this trial
//!   failed, and it has lasted for [`FAILING_TIME`] seconds. So between two pauses there is at
//!   least that time in which each good login succeeds, and opens the way for the ones after it.
//!
//! The price: while the gateway is down, the visitors who come during a trial wait for their error.
//! How many requests are in progress at once is limited elsewhere.
//!
//! Codes and refresh tokens have a breaker each. A stranger has no refresh token, so made-up codes
//! never concern the sessions of users who are signed in.

use std::{collections::VecDeque, mem, sync::Arc};

use crate::{
    clock::Clock,
    events::{Event, Events, GrantType},
    sync::{Mutex, lock},
};

/// So many failures in a row open the breaker, if they last for long enough.
const ENOUGH: u32 = 11;
/// In seconds. Requests must fail for this long without a success.
const FAILING_TIME: u64 = 10;
/// In seconds. For this long an open breaker refuses every request.
const PAUSE: u64 = 10;
/// In seconds. A failure that comes this long after the one before says nothing about the time
/// between them.
const FORGET_AFTER: u64 = 60;

pub(crate) struct Breaker {
    grant: GrantType,
    clock: Clock,
    events: Arc<Events>,
    state: Mutex<BreakerState>,
}

#[derive(Default)]
struct BreakerState {
    /// Failures in a row that count in this phase.
    counted: u32,
    /// When the first request failed since the last success, and when the last one did.
    failing: Option<(u64, u64)>,
    /// Failures in a row, for the event.
    failures: u32,
    phase: Phase,
    /// Requests of earlier phases say nothing about this one when they fail.
    epoch: u64,
    /// What is not reported yet: whether it opened, and the failures in a row.
    unreported: VecDeque<(bool, u32)>,
    is_reporting: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Closed,
    /// Open, since this time.
    Paused(u64),
    /// Open, but every request is sent.
    Trial,
}

/// The breaker is open: the request must not be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BreakerOpen;

/// A permit to send one request. It records the outcome of the request. A request that is dropped
/// shows nothing about the endpoint.
#[must_use = "a request whose outcome is not recorded does not count"]
pub(crate) struct Permit<'b> {
    breaker: &'b Breaker,
    epoch: u64,
}

impl Breaker {
    pub(crate) fn new(grant: GrantType, clock: Clock, events: Arc<Events>) -> Self {
        Self {
            grant,
            clock,
            events,
            state: Mutex::default(),
        }
    }

    pub(crate) fn try_acquire(&self) -> Result<Permit<'_>, BreakerOpen> {
        let mut state = lock(&self.state);
        if let Phase::Paused(since) = state.phase {
            let now = self.clock.seconds();
            if !has_passed(PAUSE, since, now) {
                return Err(BreakerOpen);
            }
            state.begin(Phase::Trial);
            state.failing = Some((now, now));
        }
        Ok(Permit {
            breaker: self,
            epoch: state.epoch,
        })
    }

    /// Whether it refuses requests, or has not seen one succeed since it did.
    pub(crate) fn is_open(&self) -> bool {
        lock(&self.state).phase != Phase::Closed
    }

    /// Any success shows that the endpoint answers, also that of an earlier request.
    fn on_success(&self) {
        let mut state = lock(&self.state);
        let was_open = state.phase != Phase::Closed;
        if was_open {
            state.begin(Phase::Closed);
            state.will_report(false);
        }
        state.failing = None;
        state.failures = 0;
        drop(state);
        if was_open {
            self.report();
        }
    }

    fn on_failure(&self, epoch: u64) {
        let mut state = lock(&self.state);
        if epoch != state.epoch {
            return;
        }
        let was_closed = state.phase == Phase::Closed;
        let pauses = state.fail(self.clock.seconds());
        let opened = pauses && was_closed;
        if opened {
            state.will_report(true);
        }
        drop(state);
        if opened {
            self.report();
        }
    }

    /// Reports the changes, without a lock, since the app hears of them. One caller reports those
    /// of all, in their order: in another, the last report would say the opposite of what holds.
    fn report(&self) {
        if mem::replace(&mut lock(&self.state).is_reporting, true) {
            return;
        }
        loop {
            let mut state = lock(&self.state);
            let Some((open, failures)) = state.unreported.pop_front() else {
                state.is_reporting = false;
                return;
            };
            drop(state);
            self.events.emit(Event::BreakerChanged {
                grant: self.grant,
                open,
                failures,
            });
        }
    }
}

impl BreakerState {
    /// Returns whether a pause begins.
    fn fail(&mut self, now: u64) -> bool {
        let since = match self.failing {
            Some((since, last)) if !has_passed(FORGET_AFTER, last, now) => since,
            _ => {
                self.counted = 0;
                now
            }
        };
        self.failing = Some((since, now));
        self.failures = self.failures.saturating_add(1);
        self.counted = self.counted.saturating_add(1);
        let pauses = self.counted >= ENOUGH && has_passed(FAILING_TIME, since, now);
        if pauses {
            self.begin(Phase::Paused(now));
        }
        pauses
    }

    fn will_report(&mut self, open: bool) {
        self.unreported.push_back((open, self.failures));
    }

    fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch += 1;
        self.counted = 0;
    }
}

/// A clock that was set back by this much counts as having waited. Otherwise the breaker would stay
/// open until the clock had caught up.
fn has_passed(seconds: u64, since: u64, now: u64) -> bool {
    now.abs_diff(since) >= seconds
}

impl Permit<'_> {
    /// Records whether the outcome of the request shows that the endpoint fails.
    pub(crate) fn record(self, failed: bool) {
        if failed {
            self.breaker.on_failure(self.epoch);
        } else {
            self.breaker.on_success();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    type Changes = Arc<Mutex<Vec<(bool, u32)>>>;

    /// A breaker, its clock, and the changes that it emits.
    fn breaker() -> (Breaker, Clock, Changes) {
        let changes = Changes::default();
        let emitted = Arc::clone(&changes);
        let (breaker, clock) = breaker_with_hook(move |open, failures| {
            emitted.lock().unwrap().push((open, failures));
        });
        (breaker, clock, changes)
    }

    fn breaker_with_hook(hook: impl Fn(bool, u32) + Send + Sync + 'static) -> (Breaker, Clock) {
        let hook = move |event: &Event<'_>| {
            if let Event::BreakerChanged { open, failures, .. } = *event {
                hook(open, failures);
            }
        };
        let clock = Clock::manual();
        let events = Arc::new(Events::new(Some(Box::new(hook))));
        let breaker = Breaker::new(GrantType::AuthorizationCode, clock.clone(), events);
        (breaker, clock)
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.try_acquire().unwrap().record(true);
        }
    }

    fn succeed(breaker: &Breaker) {
        breaker.try_acquire().unwrap().record(false);
    }

    /// The first failure, and after the failing time all others but the last.
    fn almost_open(breaker: &Breaker, clock: &Clock) {
        fail(breaker, 1);
        clock.advance(seconds(FAILING_TIME));
        fail(breaker, ENOUGH - 2);
    }

    fn open(breaker: &Breaker, clock: &Clock) {
        almost_open(breaker, clock);
        fail(breaker, 1);
        assert!(is_paused(breaker));
    }

    fn is_paused(breaker: &Breaker) -> bool {
        breaker.try_acquire().is_err()
    }

    fn opened(changes: &Changes) -> Vec<bool> {
        let changes = changes.lock().unwrap();
        changes.iter().map(|(open, _)| *open).collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn eleven_failures_in_a_row_open_it() {
        let (breaker, clock, changes) = breaker();
        almost_open(&breaker, &clock);
        assert!(!is_paused(&breaker), "one too few");
        fail(&breaker, 1);
        assert!(is_paused(&breaker));
        assert_eq!(*changes.lock().unwrap(), [(true, ENOUGH)]);
    }

    /// Opens a breaker, and returns what the app hears until it has closed again. When the app
    /// hears of the opening, it does this with a permit from before.
    fn heard(on_opened: fn(Permit<'static>)) -> Vec<bool> {
        type Heard = (Vec<bool>, Option<Permit<'static>>);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let hooked = Arc::clone(&heard);
        let (breaker, clock) = breaker_with_hook(move |open, _| {
            let permit = lock(&hooked).1.take();
            if let Some(permit) = permit {
                on_opened(permit);
            }
            lock(&hooked).0.push(open);
        });
        let breaker: &'static Breaker = Box::leak(Box::new(breaker));
        lock(&heard).1 = breaker.try_acquire().ok();
        almost_open(breaker, &clock);
        fail(breaker, 1);
        while lock(&heard).0.len() < 2 {
            thread::yield_now();
        }
        lock(&heard).0.clone()
    }

    #[test]
    fn app_may_change_the_breaker_that_it_hears_of() {
        assert_eq!(heard(|permit| permit.record(false)), [true, false]);
    }

    /// A success comes while the hook still looks at the opening.
    #[test]
    fn changes_are_reported_in_their_order() {
        let of_another_thread = |permit: Permit<'static>| {
            let breaker = permit.breaker;
            thread::spawn(|| permit.record(false));
            while breaker.is_open() {
                thread::yield_now();
            }
        };
        assert_eq!(heard(of_another_thread), [true, false]);
    }

    #[test]
    fn change_is_reported_after_a_hook_that_panicked() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hooked = Arc::clone(&heard);
        let (breaker, clock) = breaker_with_hook(move |open, _| {
            lock(&hooked).push(open);
            assert!(!open, "the app's hook panics");
        });
        almost_open(&breaker, &clock);
        fail(&breaker, 1);
        clock.advance(seconds(PAUSE));
        succeed(&breaker);
        assert_eq!(*lock(&heard), [true, false]);
    }

    #[test]
    fn failures_of_less_than_ten_seconds_do_not_open_it() {
        let (breaker, clock, _) = breaker();
        clock.advance(seconds(3_600));
        fail(&breaker, 100);
        clock.advance(seconds(FAILING_TIME - 1));
        fail(&breaker, 100);
        assert!(!is_paused(&breaker));
        clock.advance(seconds(1));
        fail(&breaker, 1);
        assert!(is_paused(&breaker));
    }

    #[test]
    fn one_success_in_ten_seconds_keeps_it_closed() {
        let (breaker, clock, changes) = breaker();
        for _ in 0..10 {
            fail(&breaker, 100);
            clock.advance(seconds(FAILING_TIME - 1));
            fail(&breaker, 100);
            succeed(&breaker);
        }
        assert_eq!(*changes.lock().unwrap(), []);
    }

    #[test]
    fn failure_of_long_ago_is_forgotten() {
        let (breaker, clock, _) = breaker();
        fail(&breaker, 2 * ENOUGH);
        clock.advance(seconds(FORGET_AFTER));
        fail(&breaker, 2 * ENOUGH);
        assert!(!is_paused(&breaker));
        clock.advance(seconds(FAILING_TIME));
        fail(&breaker, 1);
        assert!(is_paused(&breaker));
    }

    #[test]
    fn trial_after_the_pause_sends_every_request_and_ends_with_a_success() {
        let (breaker, clock, changes) = breaker();
        open(&breaker, &clock);
        clock.advance(seconds(PAUSE - 1));
        assert!(is_paused(&breaker));
        clock.advance(seconds(1));
        fail(&breaker, 1_000);
        clock.advance(seconds(FAILING_TIME - 1));
        fail(&breaker, 1_000);
        succeed(&breaker);
        fail(&breaker, 1_000);
        assert!(!is_paused(&breaker), "it counts from the start again");
        let changes = changes.lock().unwrap().clone();
        assert_eq!(changes, [(true, ENOUGH), (false, ENOUGH + 2_000)]);
    }

    #[test]
    fn trial_begins_with_a_request_and_lasts_for_ten_seconds() {
        let (breaker, clock, changes) = breaker();
        open(&breaker, &clock);
        clock.advance(seconds(50));
        fail(&breaker, 1);
        assert!(!is_paused(&breaker), "one failure is no reason for a pause");
        fail(&breaker, 100);
        assert!(!is_paused(&breaker), "the trial has just begun");
        clock.advance(seconds(FAILING_TIME));
        fail(&breaker, 1);
        assert!(is_paused(&breaker));
        clock.advance(seconds(PAUSE));
        succeed(&breaker);
        assert_eq!(opened(&changes), [true, false], "one outage is one change");
    }

    #[test]
    fn failures_of_before_a_trial_do_not_count_in_it() {
        let (breaker, clock, _) = breaker();
        open(&breaker, &clock);
        clock.advance(seconds(PAUSE));
        fail(&breaker, 1);
        clock.advance(seconds(FAILING_TIME));
        fail(&breaker, ENOUGH - 2);
        assert!(!is_paused(&breaker), "one too few in this trial");
    }

    /// A stranger sends a hundred made-up codes a second. A user tries once a second until the
    /// login is sent.
    #[test]
    fn no_stranger_refuses_a_good_login_for_longer_than_a_pause() {
        let (breaker, clock, changes) = breaker();
        let stranger = || {
            for _ in 0..100 {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.record(true);
                }
            }
            clock.advance(seconds(1));
        };
        for before in 0..60 {
            (0..before).for_each(|_| stranger());
            let refused = (0..).take_while(|_| {
                stranger();
                breaker.try_acquire().is_err()
            });
            assert!(refused.count() as u64 <= PAUSE);
            succeed(&breaker);
        }
        assert!(opened(&changes).len() > 2, "the stranger opened it");
    }

    #[test]
    fn dropped_requests_do_not_open_it() {
        let (breaker, clock, _) = breaker();
        for _ in 0..2 * ENOUGH {
            drop(breaker.try_acquire().unwrap());
            clock.advance(seconds(1));
        }
        fail(&breaker, 1);
        assert!(!is_paused(&breaker));
    }

    #[test]
    fn request_from_before_the_pause_closes_it_and_does_not_prolong_it() {
        let (breaker, clock, changes) = breaker();
        let late: Vec<_> = (0..ENOUGH)
            .map(|_| breaker.try_acquire().unwrap())
            .collect();
        let answered = breaker.try_acquire().unwrap();
        open(&breaker, &clock);
        clock.advance(seconds(PAUSE));
        fail(&breaker, 1);
        clock.advance(seconds(FAILING_TIME));
        late.into_iter().for_each(|permit| permit.record(true));
        assert!(!is_paused(&breaker), "they were sent before the trial");
        answered.record(false);
        assert_eq!(opened(&changes), [true, false]);
    }

    #[test]
    fn clock_that_is_set_back_does_not_keep_it_open() {
        let (breaker, clock, _) = breaker();
        open(&breaker, &clock);
        clock.rewind(seconds(3_600));
        assert!(breaker.try_acquire().is_ok(), "set back by an hour");
    }
}
