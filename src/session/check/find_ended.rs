//! The store names exactly those sessions that have ended.

use std::time::Duration;

use super::{
    checked::{A_MOMENT, Checked, new_subject},
    rule::Rule,
};
use crate::session::{Session, SessionStore};

const SHORT: Duration = Duration::from_secs(60);

pub(super) async fn exactly_the_ended_are_named<Store: SessionStore>(store: &Checked<Store>) {
    let subject = new_subject();
    let of_subject = |store: &Checked<Store>, name| store.session(name).with_subject(subject);
    let short = Session::new("short", store.now + SHORT);

    let live = store.save_new("live").await;
    let short = store.save(short).await;
    let updated = store.save_new("updated").await;
    let removed = store.save_new("removed").await;
    let updated_and_removed = store.save_new("updated and removed").await;
    let revoked = store.save_new("revoked").await;
    let of_revoked_subject = store.save(of_subject(store, "of revoked subject")).await;

    store.update_to(&updated, "updated later").await;
    store.remove(&removed.token).await;
    let later = store.update_to(&updated_and_removed, "later").await;
    store.remove(&later.token).await;
    store.revoke(store.id(&revoked)).await;
    store.revoke_subject(subject).await;
    let later = store.later(A_MOMENT);
    let of_subject_later = later.save(of_subject(&later, "of subject, later")).await;

    let sessions = [
        ("live", &live),
        ("short", &short),
        // As they were when a request began.
        ("updated", &updated),
        ("removed", &removed),
        ("updated and removed", &updated_and_removed),
        ("revoked", &revoked),
        ("of a revoked subject", &of_revoked_subject),
        ("of that subject, later", &of_subject_later),
    ];
    let mut expected = vec![
        "removed",
        "updated and removed",
        "revoked",
        "of a revoked subject",
    ];
    let exactly = Rule::of(
        "find_ended",
        "it names exactly the sessions that have ended",
    );
    exactly.equal(&expected, &later.find_ended(&sessions).await);
    expected.insert(0, "short");
    let expired = store.later(SHORT).find_ended(&sessions).await;
    exactly.equal(&expected, &expired);
    exactly.equal(&vec![], &later.find_ended(&[]).await);
}
