//! Whoever claims a piece of work first has it, or the store keeps no claims at all.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::at_once;
use crate::session::{Claim, SessionStore, SessionToken};

const AT_ONCE: usize = 20;
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(1);
const RUNS_OUT_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A name that nobody used before, so that a store may be checked again.
pub(super) fn name() -> String {
    format!("check-{}", SessionToken::random().id())
}

async fn claim<Store: SessionStore>(store: &Store, name: &str, ttl: Duration) -> Claim {
    let claimed = store.claim(name, ttl).await;
    claimed.expect("claiming a piece of work is no error")
}

/// Claims what nobody claimed before.
async fn win<Store: SessionStore>(store: &Store, ttl: Duration) -> String {
    let name = name();
    assert_eq!(
        claim(store, &name, ttl).await,
        Claim::Won,
        "who claims a piece of work first wins it, whoever claims another"
    );
    name
}

/// Whether the store keeps claims, or lets everybody win.
pub(super) async fn keeps_claims<Store: SessionStore>(store: &Store) -> bool {
    let name = win(store, LONG).await;
    match claim(&store.clone(), &name, LONG).await {
        Claim::Won => false,
        Claim::Lost => true,
        Claim::Settled(_) => panic!("nothing is settled before somebody did"),
    }
}

pub(super) async fn claims_are_kept_or_always_won<Store: SessionStore>(store: &Store) {
    let kept = keeps_claims(store).await;
    if kept {
        claimed_work_is_one_callers_until_it_is_given_back(store).await;
        claim_runs_out(store).await;
    }
    one_of_many_wins(store, kept).await;
    settled_work_is_told_whole(store, kept).await;
}

async fn claimed_work_is_one_callers_until_it_is_given_back<Store: SessionStore>(store: &Store) {
    let (name, other) = (win(store, LONG).await, win(store, LONG).await);
    let released = store.clone().release(&name).await;
    released.expect("a claim can be given back");
    assert_eq!(
        claim(store, &name, LONG).await,
        Claim::Won,
        "what was given back is won by who claims it next"
    );
    for name in [&name, &other] {
        assert_eq!(
            claim(store, name, LONG).await,
            Claim::Lost,
            "giving one claim back leaves the others as they are"
        );
    }
}

/// An instance that died must not keep its work for ever.
async fn claim_runs_out<Store: SessionStore>(store: &Store) {
    let name = win(store, SHORT).await;
    let until = Instant::now() + RUNS_OUT_WITHIN;
    while claim(store, &name, SHORT).await != Claim::Won {
        assert!(
            Instant::now() < until,
            "a claim runs out by itself, and losing it again makes it no longer"
        );
        sleep(LOOK_EVERY).await;
    }
}

async fn one_of_many_wins<Store: SessionStore>(store: &Store, kept: bool) {
    let name = name();
    let claims = (0..AT_ONCE).map(|_| {
        let (store, name) = (store.clone(), name.clone());
        async move { claim(&store, &name, LONG).await }
    });
    let claims = at_once(claims).await;
    let count = |wanted: Claim| claims.iter().filter(|claim| **claim == wanted).count();
    let won = if kept { 1 } else { AT_ONCE };
    assert_eq!(
        (count(Claim::Won), count(Claim::Lost)),
        (won, AT_ONCE - won),
        "of many who claim the same work one wins, and only one; or the store keeps no claims, and everybody does"
    );
}

async fn settled_work_is_told_whole<Store: SessionStore>(store: &Store, kept: bool) {
    let work = win(store, LONG).await;
    let result = "settled-".repeat(500);
    let settled = store.clone().settle(&work, &result, LONG).await;
    settled.expect("what came of claimed work can be kept");
    let expected = if kept {
        Claim::Settled(result)
    } else {
        Claim::Won
    };
    for _ in 0..2 {
        let told = claim(store, &work, LONG).await;
        assert!(
            told == expected,
            "what was settled is told to everybody who claims it, as it was"
        );
    }
    let released = store.release(&name()).await;
    released.expect("giving back what nobody claimed is no error");
}
