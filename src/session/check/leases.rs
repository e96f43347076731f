//! A lease has one holder at a time, and carries the result of its work.

use std::time::Duration;

use super::{
    checked::{Checked, at_once},
    rule::Rule,
};
use crate::{
    polling::Polling,
    session::{Lease, Leases, SessionStore, SessionToken},
};

const CONCURRENT: usize = 20;
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(1);
const EXPIRY_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const ONE_HOLDER: Rule = Rule::of("acquire", "a lease has one holder at a time");

/// A name that is new, so that the suite can run on a store again.
pub(super) fn new_name() -> String {
    format!("check-{}", SessionToken::random().id())
}

/// A store without leases is one within a process, and meets the contract.
pub(super) async fn lease_has_one_holder_at_a_time<Store: SessionStore>(store: &Checked<Store>) {
    if let Some(leases) = store.leases() {
        release_frees_the_lease_and_no_other(leases).await;
        completed_lease_carries_its_result(leases).await;
        lease_expires_and_so_does_its_result(leases).await;
        one_of_many_acquires(store).await;
    }
}

async fn acquire(leases: &dyn Leases, name: &str, ttl: Duration) -> Lease {
    let lease = leases.acquire(name, ttl).await;
    Rule::of("acquire", "to ask for a lease is not an error").ok(lease)
}

/// Acquires a lease that is new.
async fn acquire_new(leases: &dyn Leases, ttl: Duration) -> String {
    let name = new_name();
    let free = Rule::of("acquire", "a lease that no instance holds is free");
    free.equal(&Lease::Acquired, &acquire(leases, &name, ttl).await);
    name
}

async fn release_frees_the_lease_and_no_other(leases: &dyn Leases) {
    let first = acquire_new(leases, LONG).await;
    let other = acquire_new(leases, LONG).await;
    ONE_HOLDER.equal(&Lease::Held, &acquire(leases, &first, LONG).await);
    let released = Rule::of("release", "the lease is free again");
    released.ok(leases.release(&first).await);
    released.equal(&Lease::Acquired, &acquire(leases, &first, LONG).await);
    let no_other = Rule::of("release", "no other lease is free");
    no_other.equal(&Lease::Held, &acquire(leases, &other, LONG).await);
    ONE_HOLDER.equal(&Lease::Held, &acquire(leases, &first, LONG).await);
    let unknown = Rule::of("release", "a lease that no instance holds is not an error");
    unknown.ok(leases.release(&new_name()).await);
}

async fn completed_lease_carries_its_result(leases: &dyn Leases) {
    let name = acquire_new(leases, LONG).await;
    let result = "result.".repeat(600);
    let carries = Rule::of("complete", "every instance gets the result, as it was");
    carries.ok(leases.complete(&name, &result, LONG).await);
    for _ in 0..2 {
        let lease = acquire(leases, &name, LONG).await;
        if lease != Lease::Completed(result.clone()) {
            carries.is_broken(describe(&Lease::Completed(result)), describe(&lease));
        }
    }
}

/// Without the result itself, which is long.
fn describe(lease: &Lease) -> String {
    match lease {
        Lease::Completed(result) => format!("Completed with {} bytes", result.len()),
        lease => format!("{lease:?}"),
    }
}

/// An instance that died must not keep its work forever.
async fn lease_expires_and_so_does_its_result(leases: &dyn Leases) {
    let held = acquire_new(leases, SHORT).await;
    let completed = acquire_new(leases, LONG).await;
    let kept = leases.complete(&completed, "result", SHORT).await;
    Rule::of("complete", "a result can be kept").ok(kept);
    let text =
        "a lease expires after its ttl, and a caller that does not get it makes it no longer";
    is_free_in_time(leases, &held, Rule::of("acquire", text)).await;
    let text = "the result expires after its ttl";
    is_free_in_time(leases, &completed, Rule::of("complete", text)).await;
}

async fn is_free_in_time(leases: &dyn Leases, name: &str, rule: Rule) {
    let polling = Polling::new(EXPIRY_TIMEOUT, POLL_INTERVAL);
    loop {
        let lease = acquire(leases, name, SHORT).await;
        if lease == Lease::Acquired {
            return;
        }
        if !polling.next().await {
            let expected = format!("Acquired within {EXPIRY_TIMEOUT:?}");
            rule.is_broken(expected, describe(&lease));
        }
    }
}

async fn one_of_many_acquires<Store: SessionStore>(store: &Checked<Store>) {
    let name = new_name();
    let calls = (0..CONCURRENT).map(|_| {
        let (store, name) = (store.clone(), name.clone());
        async move {
            match store.leases() {
                Some(leases) => acquire(leases, &name, LONG).await,
                None => Rule::of("leases", "it returns the same each time")
                    .is_broken("Some(leases)", "None"),
            }
        }
    });
    let leases = at_once(calls).await;
    let count = |wanted| leases.iter().filter(|lease| **lease == wanted).count();
    let expected = (1, CONCURRENT - 1);
    let got = (count(Lease::Acquired), count(Lease::Held));
    let show = |(acquired, held)| format!("{acquired} times Acquired and {held} times Held");
    if got != expected {
        ONE_HOLDER.is_broken(show(expected), show(got));
    }
}
