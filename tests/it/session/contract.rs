//! The stores of this crate meet the contract.

use telenor_auth::session::{
    CookieStore, Fault, FaultyStore, MemoryStore, check_store, check_store_faults,
};

use crate::support::{keys, stores::Deadline};

#[tokio::test]
async fn stores_meet_the_contract() {
    check_store(MemoryStore::new()).await;
    check_store(CookieStore::new(&keys(1))).await;
    check_store(FaultyStore::new(MemoryStore::new())).await;
}

#[tokio::test(start_paused = true)]
async fn store_behind_a_network_meets_the_contract_when_its_server_fails() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let store = Deadline(faulty.clone());
    check_store_faults(store.clone(), async |fault| faulty.set(fault)).await;
    faulty.set(Fault::Slow);
    check_store(store).await;
}
