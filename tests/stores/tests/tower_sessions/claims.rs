//! Work that one instance does.

use telenor_auth::{
    Clock,
    session::{Claim, SessionStore, TowerSessionsStore},
};
use telenor_auth_store_tests::memory::Fault;

use super::{MINUTE, instance, memory};

#[tokio::test]
async fn claim_that_two_instances_wrote_at_the_same_moment_has_one_holder() {
    let (memory, store) = memory();
    let other = instance(&memory);
    memory.create_unguarded();
    let (one, two) = tokio::join!(
        store.claim("login-5", MINUTE),
        other.claim("login-5", MINUTE)
    );
    let mut claims = [one.unwrap(), two.unwrap()];
    claims.sort_by_key(|claim| *claim == Claim::Won);
    assert_eq!(claims, [Claim::Lost, Claim::Won]);
}

#[tokio::test]
async fn one_at_a_time_asks_for_a_claim_in_a_process() {
    let (memory, store) = memory();
    let claim = async |name| store.clone().claim(name, MINUTE).await;
    assert_eq!(claim("login-5").await.unwrap(), Claim::Won);
    let id = *memory.rows().keys().next().unwrap();
    store.release("login-5").await.unwrap();
    let held = memory.hold_load(id);
    let meanwhile = async {
        held.came.notified().await;
        memory.calls();
        assert_eq!(claim("login-5").await.unwrap(), Claim::Lost);
        assert_eq!(memory.calls(), 0, "the store was not asked");
        assert_eq!(claim("login-6").await.unwrap(), Claim::Won);
        held.go.notify_one();
        held.came.notified().await;
        held.go.notify_one();
    };
    let (first, ()) = tokio::join!(claim("login-5"), meanwhile);
    assert_eq!(first.unwrap(), Claim::Won);

    memory.set_fault(Some(Fault::Fails), None);
    claim("login-7").await.unwrap_err();
    memory.set_fault(None, None);
    assert_eq!(claim("login-7").await.unwrap(), Claim::Won);
}

#[tokio::test]
async fn claim_that_has_run_out_is_taken_over_though_it_is_in_the_way() {
    let (memory, store) = memory();
    for settled in [false, true] {
        assert_eq!(store.claim("login-5", MINUTE).await.unwrap(), Claim::Won);
        if settled {
            store.settle("login-5", "failed", MINUTE).await.unwrap();
        }
        for row in memory.rows().values_mut() {
            row.expiry_date = time::OffsetDateTime::now_utc();
        }
    }
    assert_eq!(store.claim("login-5", MINUTE).await.unwrap(), Claim::Won);
    assert_eq!(memory.rows().len(), 1);
}

#[tokio::test]
async fn claim_that_is_not_kept_is_an_error() {
    let (_, store) = memory();
    let behind = Clock::manual();
    behind.rewind(2 * MINUTE);
    let store = store.clock(behind);
    store.claim("login-5", MINUTE).await.unwrap_err();
}

#[tokio::test]
async fn claim_that_was_given_back_and_taken_again_stands() {
    let (memory, store) = memory();
    let claim = async |store: &TowerSessionsStore| store.claim("login-5", MINUTE).await.unwrap();
    assert_eq!(claim(&store).await, Claim::Won);
    let id = *memory.rows().keys().next().unwrap();
    let (slow, fast) = (instance(&memory), instance(&memory));
    let held = memory.hold_load(id);
    let faster = async {
        held.came.notified().await;
        store.release("login-5").await.unwrap();
        held.go.notify_one();
        held.came.notified().await;
        let won = claim(&fast).await;
        held.go.notify_one();
        won
    };
    let (slow, fast) = tokio::join!(claim(&slow), faster);
    assert_eq!((slow, fast), (Claim::Lost, Claim::Won));
}
