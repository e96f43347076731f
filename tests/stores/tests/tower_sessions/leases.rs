//! Leases in a store of the family.

use telenor_auth::session::{Lease, Leases, TowerSessionsStore};
use telenor_auth_store_tests::memory::Fault;

use super::{MINUTE, instance, memory};

#[tokio::test]
async fn lease_that_two_instances_wrote_at_the_same_moment_has_one_holder() {
    let (memory, store) = memory();
    let other = instance(&memory);
    memory.create_unguarded();
    let (one, two) = tokio::join!(
        store.acquire("login-5", MINUTE),
        other.acquire("login-5", MINUTE)
    );
    let mut leases = [one.unwrap(), two.unwrap()];
    leases.sort_by_key(|lease| *lease == Lease::Acquired);
    assert_eq!(leases, [Lease::Held, Lease::Acquired]);
}

#[tokio::test]
async fn one_caller_at_a_time_asks_for_a_lease_in_a_process() {
    let (memory, store) = memory();
    let acquire = async |name| store.clone().acquire(name, MINUTE).await;
    assert_eq!(acquire("login-5").await.unwrap(), Lease::Acquired);
    let id = *memory.rows().keys().next().unwrap();
    store.release("login-5").await.unwrap();
    let held = memory.hold_load(id);
    let other = async {
        held.came().await;
        memory.calls();
        assert_eq!(acquire("login-5").await.unwrap(), Lease::Held);
        assert_eq!(memory.calls(), 0, "the store was not asked");
        assert_eq!(acquire("login-6").await.unwrap(), Lease::Acquired);
        held.go.notify_one();
        held.came().await;
        held.go.notify_one();
    };
    let (first, ()) = tokio::join!(acquire("login-5"), other);
    assert_eq!(first.unwrap(), Lease::Acquired);

    memory.set_fault(Some(Fault::Fails), None);
    acquire("login-7").await.unwrap_err();
    memory.set_fault(None, None);
    assert_eq!(acquire("login-7").await.unwrap(), Lease::Acquired);
}

#[tokio::test]
async fn lease_that_has_run_out_is_taken_over_though_it_is_in_the_way() {
    let (memory, store) = memory();
    for completed in [false, true] {
        assert_eq!(
            store.acquire("login-5", MINUTE).await.unwrap(),
            Lease::Acquired
        );
        if completed {
            store.complete("login-5", "failed", MINUTE).await.unwrap();
        }
        for row in memory.rows().values_mut() {
            row.expiry_date = time::OffsetDateTime::now_utc();
        }
    }
    assert_eq!(
        store.acquire("login-5", MINUTE).await.unwrap(),
        Lease::Acquired
    );
    assert_eq!(memory.rows().len(), 1);
}

#[tokio::test]
async fn lease_that_is_not_kept_is_an_error() {
    let (memory, store) = memory();
    memory.set_clock_ahead(2 * MINUTE);
    store.acquire("login-5", MINUTE).await.unwrap_err();
}

#[tokio::test]
async fn lease_that_was_released_and_taken_again_stands() {
    let (memory, store) = memory();
    let acquire =
        async |store: &TowerSessionsStore| store.acquire("login-5", MINUTE).await.unwrap();
    assert_eq!(acquire(&store).await, Lease::Acquired);
    let id = *memory.rows().keys().next().unwrap();
    let (slow, fast) = (instance(&memory), instance(&memory));
    let held = memory.hold_load(id);
    let faster = async {
        held.came().await;
        store.release("login-5").await.unwrap();
        held.go.notify_one();
        held.came().await;
        let won = acquire(&fast).await;
        held.go.notify_one();
        won
    };
    let (slow, fast) = tokio::join!(acquire(&slow), faster);
    assert_eq!((slow, fast), (Lease::Held, Lease::Acquired));
}
