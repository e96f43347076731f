//! The rules for stores, which those in this crate keep.

use telenor_auth::session::{
    CookieStore, Fault, FaultyStore, MemoryStore, check_store, check_store_faults,
};

use crate::support::{keys, stores::Deadline};

#[tokio::test]
async fn stores_keep_the_rules() {
    check_store(MemoryStore::new()).await;
    check_store(CookieStore::new(&keys(1))).await;
    check_store(FaultyStore::new(MemoryStore::new())).await;
}

#[tokio::test(start_paused = true)]
async fn store_behind_a_network_keeps_the_rules_when_its_server_fails() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let store = Deadline(faulty.clone());
    check_store_faults(store.clone(), async |fault| faulty.set(fault)).await;
    faulty.set(Fault::Slow);
    check_store(store).await;
}
