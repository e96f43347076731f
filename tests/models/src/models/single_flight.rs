//! The single flight: callers of one code who come together, hang up, or find no place.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use shuttle::future::{JoinHandle, block_on, spawn, yield_now};

use crate::{
    explore::{Model, Search},
    flow::single_flight::{Effect, FlightError, SingleFlight},
};

models! {
    "single_flight":
    one_code_is_sent_once_and_both_get_the_answer, Search::Every;
    one_code_is_sent_once_by_many_callers, Search::Some(50_000);
    caller_that_hangs_up_ends_nothing, Search::Some(50_000);
    lost_flight_ends_the_wait_and_uses_the_code_up, Search::Some(50_000);
    no_more_flights_than_places, Search::Some(50_000);
    next_flight_begins_after_one_that_used_nothing_up, Search::Some(50_000);
    used_codes_are_not_forgotten_for_new_ones, Search::Some(50_000);
    failed_codes_make_room_for_each_other_alone, Search::Some(50_000);
}

type Outcome = Result<usize, FlightError>;

/// Flights to a gateway that numbers its answers. It gives none twice.
#[derive(Clone)]
struct Gateway(Arc<Exchanges>);

struct Exchanges {
    flights: SingleFlight<u8, usize>,
    effect: fn(&usize) -> Effect,
    /// By code: how often it was sent.
    sent: [AtomicUsize; 8],
    in_flight: AtomicUsize,
    most: usize,
}

impl Gateway {
    fn new(most: usize, effect: fn(&usize) -> Effect) -> Self {
        Self(Arc::new(Exchanges {
            flights: SingleFlight::new(most, 300),
            effect,
            sent: Default::default(),
            in_flight: AtomicUsize::new(0),
            most,
        }))
    }

    async fn send(&self, code: u8) -> Outcome {
        let gateway = self.clone();
        let work = move || async move {
            let exchanges = &gateway.0;
            let number = exchanges.sent[usize::from(code)].fetch_add(1, Ordering::SeqCst) + 1;
            let _landed = Landed::new(&exchanges.in_flight, exchanges.most);
            yield_now().await;
            number
        };
        self.0.flights.run(code, 0, work, self.0.effect).await
    }

    fn sends(&self, code: u8) -> JoinHandle<Outcome> {
        let gateway = self.clone();
        spawn(async move { gateway.send(code).await })
    }

    fn sent(&self, code: u8) -> usize {
        self.0.sent[usize::from(code)].load(Ordering::SeqCst)
    }
}

/// Counts a flight until it ends, or is dropped.
struct Landed<'f>(&'f AtomicUsize);

impl<'f> Landed<'f> {
    fn new(in_flight: &'f AtomicUsize, most: usize) -> Self {
        let before = in_flight.fetch_add(1, Ordering::SeqCst);
        assert!(before < most, "more flights than places");
        Self(in_flight)
    }
}

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn joined(callers: impl IntoIterator<Item = JoinHandle<Outcome>>) -> Vec<Outcome> {
    let callers = callers.into_iter();
    callers.map(|caller| block_on(caller).unwrap()).collect()
}

fn one_code_is_sent_once_and_both_get_the_answer() {
    let gateway = Gateway::new(2, |_| Effect::Succeeded);
    let other = gateway.sends(1);
    assert_eq!(block_on(gateway.send(1)), Ok(1));
    assert_eq!(block_on(other).unwrap(), Ok(1));
    assert_eq!(gateway.sent(1), 1);
}

/// S8.
fn one_code_is_sent_once_by_many_callers() {
    for effect in [|_: &usize| Effect::Succeeded, |_: &usize| Effect::Failed] {
        let gateway = Gateway::new(2, effect);
        let callers = [1, 2, 1, 2, 1].map(|code| gateway.sends(code));
        assert_eq!(joined(callers), [Ok(1); 5]);
        assert_eq!(block_on(gateway.send(2)), Ok(1), "who comes late");
        assert_eq!([1, 2].map(|code| gateway.sent(code)), [1, 1]);
    }
}

/// Also the one who came first, and whose request began the flight.
/// S37.
fn caller_that_hangs_up_ends_nothing() {
    let gateway = Gateway::new(1, |_| Effect::Succeeded);
    let [gone, stays] = [1, 1].map(|code| gateway.sends(code));
    gone.abort();
    assert_eq!(block_on(stays).unwrap(), Ok(1));
    assert_eq!(block_on(gateway.send(1)), Ok(1));
    assert_eq!(gateway.sent(1), 1);
    assert_eq!(block_on(gateway.send(2)), Ok(1), "there is a place again");
}

/// A flight that ends without an answer, as by a panic, or with its runtime. The gateway may have
/// seen the code.
/// S8, S37.
fn lost_flight_ends_the_wait_and_uses_the_code_up() {
    let gateway = Gateway::new(1, |_| Effect::Succeeded);
    let callers = [1, 1].map(|code| gateway.sends(code));
    let end = spawn(async { tokio::runtime::shut_down() });
    let outcomes = joined(callers);
    block_on(end).unwrap();
    let expected = block_on(gateway.send(1));
    assert!([Ok(1), Err(FlightError::Panicked)].contains(&expected));
    assert_eq!(outcomes, [expected; 2]);
    assert!(gateway.sent(1) <= 1);
    assert_eq!(block_on(gateway.send(2)), Ok(1), "there is a place again");
}

/// S111.
fn no_more_flights_than_places() {
    let gateway = Gateway::new(2, |_| Effect::Succeeded);
    let outcomes = joined([1, 2, 3, 4].map(|code| gateway.sends(code)));
    let refused = outcomes.iter().filter(|outcome| **outcome != Ok(1));
    for outcome in refused.clone() {
        assert_eq!(*outcome, Err(FlightError::AtCapacity));
    }
    assert!(refused.count() <= 2);
    let all_sent = (1..=4).filter(|code| gateway.sent(*code) == 1).count();
    assert_eq!(all_sent, outcomes.iter().filter(|one| one.is_ok()).count());
}

/// Each caller gets the answer of a flight that was in progress while it waited, and there is never
/// more than one.
/// S56.
fn next_flight_begins_after_one_that_used_nothing_up() {
    let used_up = |number: &usize| match number {
        1 => Effect::Retryable,
        _ => Effect::Succeeded,
    };
    let gateway = Gateway::new(1, used_up);
    let mut outcomes = joined([1, 1, 1].map(|code| gateway.sends(code)));
    // The place of a flight is free a moment before its code is.
    outcomes.retain(|outcome| *outcome != Err(FlightError::AtCapacity));
    assert!(outcomes.iter().all(|one| [Ok(1), Ok(2)].contains(one)));
    assert!(outcomes.contains(&Ok(1)), "the first had a caller");
    assert!(gateway.sent(1) <= 2);
    assert_eq!(block_on(gateway.send(1)), Ok(2));
    assert_eq!(gateway.sent(1), 2);
}

/// A model remembers two successes. One more may land for each place but one.
/// S8, S109.
fn used_codes_are_not_forgotten_for_new_ones() {
    let gateway = Gateway::new(2, |_| Effect::Succeeded);
    let callers = [1, 2, 3, 4].map(|code| gateway.sends(code));
    let signed_in = joined(callers).iter().filter(|one| one.is_ok()).count();
    assert!((1..=3).contains(&signed_in), "{signed_in}");
    for code in 1..=4 {
        let before = gateway.sent(code);
        let again = block_on(gateway.send(code));
        match before {
            0 => assert!(again.is_err() || signed_in < 2, "{again:?}"),
            _ => assert_eq!(again, Ok(1), "as the first time"),
        }
        assert!(gateway.sent(code) <= 1);
    }
}

/// A model remembers two failures.
/// S109.
fn failed_codes_make_room_for_each_other_alone() {
    thread_local!(static GOOD: Cell<usize> = const { Cell::new(0) });
    GOOD.set(0);
    let gateway = Gateway::new(4, |number| match number {
        0 => Effect::Succeeded,
        _ => Effect::Failed,
    });
    let good = {
        let gateway = gateway.clone();
        spawn(async move {
            let signs_in = || async {
                GOOD.set(GOOD.get() + 1);
                yield_now().await;
                0
            };
            let flights = &gateway.0.flights;
            flights.run(0, 0, signs_in, gateway.0.effect).await
        })
    };
    let callers = [1, 2, 3].map(|code| gateway.sends(code));
    assert_eq!(joined(callers), [Ok(1); 3]);
    assert_eq!(block_on(good).unwrap(), Ok(0));
    let again = [1, 2, 3].map(|code| block_on(gateway.send(code)));
    assert!(again.contains(&Ok(2)), "one was forgotten: {again:?}");
    let work = || async { 9 };
    let again = gateway.0.flights.run(0, 0, work, gateway.0.effect);
    assert_eq!(block_on(again), Ok(0), "who is signed in");
    assert_eq!(GOOD.get(), 1);
}
