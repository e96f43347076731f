//! Does a store keep the rules?

mod claims;
mod ending;
mod faults;
mod faulty;
mod keeping;
#[cfg(test)]
mod misled;
mod replacing;
#[cfg(test)]
mod wrong;

use std::{
    panic,
    time::{Duration, SystemTime},
};

pub use self::{
    faults::check_store_faults,
    faulty::{Fault, FaultyStore, Operation},
};
use super::{Session, SessionStore, SessionToken, Tokens};
use crate::access_token::{AccessToken, RefreshToken};

/// Tries a store against the rules that the layer builds on; for the tests of whoever writes one.
///
/// It [ends every session](SessionStore::revoke_all) of the store, and leaves some of its own behind: give it a store of its own, never
/// one that people are signed in to. With one that keeps claims it takes a second or two, as it waits for one to run out.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use telenor_auth::session::{MemoryStore, check_store};
///
/// check_store(MemoryStore::new()).await;
/// # }
/// ```
///
/// What becomes of a store whose server is gone is for [`check_store_faults`].
///
/// # Panics
///
/// On the first rule that the store breaks, with the rule as the message; and outside a tokio runtime.
pub async fn check_store<Store: SessionStore>(store: Store) {
    keeping::what_is_saved_is_loaded(&store).await;
    keeping::tokens_are_long_and_never_the_same(&store).await;
    keeping::clones_share_their_sessions(&store).await;
    keeping::expired_session_is_not_loaded(&store).await;
    keeping::foreign_tokens_are_unknown_and_no_error(&store).await;
    keeping::parallel_use_mixes_nothing_up(&store).await;
    replacing::later_state_takes_the_place_of_the_one_before(&store).await;
    replacing::state_that_does_not_come_next_changes_nothing(&store).await;
    replacing::one_of_many_is_the_first_to_replace(&store).await;
    ending::removed_session_is_gone_and_no_other(&store).await;
    ending::ended_session_does_not_come_back_by_being_replaced(&store).await;
    ending::removing_wins_over_replacing(&store).await;
    ending::id_names_one_session_for_as_long_as_it_lasts(&store).await;
    ending::revoked_session_is_gone_and_no_other(&store).await;
    claims::claims_are_kept_or_always_won(&store).await;
    // The last one, as a store may count by the second whose session was there before.
    ending::revoking_all_ends_what_was_saved_before(&store).await;
}

fn session(access_token: &str) -> Session {
    Session::new(access_token, SystemTime::now() + Duration::from_secs(600))
}

/// The state after this one, with an access token by which it is told from all others.
fn next(session: &Session, access_token: &str) -> Session {
    session.refreshed(Tokens {
        access_token: AccessToken::new(access_token.to_owned()),
        refresh_token: Some(RefreshToken::new(format!("to refresh {access_token}"))),
        scope: Some("some scope".to_owned()),
        refresh_at: session.record().refresh_at - 100,
        expires_at: session.record().token_expires_at - 10,
    })
}

async fn keep<Store: SessionStore>(store: &Store, session: &Session) -> SessionToken<'static> {
    let saved = store.save(session.clone()).await;
    saved.expect("a session can be saved")
}

async fn save<Store: SessionStore>(store: &Store, access_token: &str) -> SessionToken<'static> {
    keep(store, &session(access_token)).await
}

async fn find<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) -> Option<Session> {
    let loaded = store.load(token).await;
    loaded.expect("looking up a token is no error")
}

/// The access token of the session that is loaded.
async fn load<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) -> Option<String> {
    let session = find(store, token).await;
    session.map(|session| session.access_token().secret().to_owned())
}

async fn replace<Store: SessionStore>(
    store: &Store,
    token: &SessionToken<'_>,
    new: &Session,
) -> Option<SessionToken<'static>> {
    let replaced = store.replace(token, new.clone()).await;
    replaced.expect("replacing a session is no error")
}

async fn remove<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) {
    let removed = store.remove(token).await;
    removed.expect("a session can be removed, and removing one that is gone is no error");
}

/// Whether nothing of a session was lost or altered.
fn is_whole(session: &Session, expected: &Session) -> bool {
    let bytes = |session: &Session| postcard::to_allocvec(session.record());
    bytes(session) == bytes(expected)
}

/// Runs all of them at the same time, each in a task of its own.
async fn at_once<F>(tasks: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in running {
        match task.await {
            Ok(output) => done.push(output),
            Err(error) => panic::resume_unwind(error.into_panic()),
        }
    }
    done
}
