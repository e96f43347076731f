//! The conformance suite: what every session store has to do, with and without its server.

mod checked;
#[cfg(test)]
mod defects;
mod ending;
mod expiry;
mod fault;
mod faulty_store;
mod find_ended;
mod leases;
#[cfg(test)]
mod misreports;
mod rule;
mod saving;
mod subjects;
mod survivors;
mod under_faults;
mod updating;

use self::checked::Checked;
pub use self::{
    fault::{Fault, Operation},
    faulty_store::FaultyStore,
    under_faults::check_store_faults,
};
use super::SessionStore;

/// Runs the conformance suite on a store, for the tests of its author.
///
/// It [ends every session](SessionStore::revoke_all) of the store and leaves some of its own
/// behind. Give it a store of its own, and never one with the sessions of users. A limit of
/// sessions per [subject](super::Session::subject) must be two at least.
///
/// The suite hands its own time to the store and waits for nothing. Only where the store has
/// [leases](SessionStore::leases), it waits a second or two until one expires.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use telenor_auth::session::{MemoryStore, check_store};
///
/// check_store(MemoryStore::new()).await;
/// # }
/// ```
///
/// What the store does while its server fails is for [`check_store_faults`].
///
/// # Panics
///
/// On the first rule that the store breaks. The message names the method and the rule, and says
/// what was expected and what came instead:
///
/// ```text
/// `update` broke a rule: a later state takes the place of the one before it.
/// Expected Some(token), got None
/// ```
///
/// It panics outside a tokio runtime as well.
pub async fn check_store<Store: SessionStore>(store: Store) {
    let store = &Checked::new(store);
    saving::saved_session_is_loaded_whole(store).await;
    saving::app_part_comes_back_unchanged(store).await;
    saving::tokens_are_long_and_never_the_same(store).await;
    saving::unknown_tokens_are_not_an_error(store).await;
    saving::store_that_works_can_be_reached(store).await;
    saving::concurrent_sessions_are_kept_apart(store).await;
    expiry::expired_session_is_not_loaded(store).await;
    expiry::expiry_goes_by_the_time_that_is_handed_in(store).await;
    expiry::expired_session_is_not_updated(store).await;
    expiry::session_at_hand_does_not_expire_by_another_clock(store).await;
    updating::later_state_takes_the_place_of_the_one_before(store).await;
    updating::state_that_does_not_come_next_changes_nothing(store).await;
    updating::one_of_many_updates(store).await;
    ending::removed_session_is_gone_and_no_other(store).await;
    ending::revoked_session_is_gone_and_no_other(store).await;
    ending::ended_session_does_not_come_back_by_an_update(store).await;
    ending::removal_wins_over_an_update(store).await;
    ending::id_names_one_session_as_long_as_it_lasts(store).await;
    subjects::revoking_a_subject_ends_its_sessions_and_no_other(store).await;
    subjects::live_sessions_of_a_subject_are_listed(store).await;
    find_ended::exactly_the_ended_are_named(store).await;
    leases::lease_has_one_holder_at_a_time(store).await;
    // The last one, as a store may count by the second which sessions were there before.
    ending::revoking_all_ends_what_was_saved_before(store).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key::CookieKeys,
        session::{CookieStore, MemoryStore},
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn stores_of_one_process_meet_the_contract() {
        check_store(MemoryStore::new()).await;
        check_store(MemoryStore::new().with_max_sessions_per_subject(2)).await;
        check_store(CookieStore::new(&CookieKeys::random())).await;
        check_store(FaultyStore::new(MemoryStore::new())).await;
    }
}
