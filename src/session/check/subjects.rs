//! The sessions of one subject are found and ended together.

use super::{
    checked::{A_MOMENT, Checked, Saved, new_subject},
    rule::Rule,
};
use crate::session::{SessionStore, SubjectId};

pub(super) async fn revoking_a_subject_ends_its_sessions_and_no_other<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let (subject, other) = (new_subject(), new_subject());
    let save_of = async |store: &Checked<Store>, subject, name| {
        store.save(store.session(name).with_subject(subject)).await
    };
    let first = save_of(store, subject, "first").await;
    let second = save_of(store, subject, "second").await;
    let updated = store.update_to(&second, "second, updated").await;
    let spared = [
        save_of(store, other, "of another subject").await,
        store.save_new("of no subject").await,
    ];
    store.revoke_subject(new_subject()).await;
    let unknown = Rule::of("revoke_subject", "an unknown subject ends no session");
    unknown.session(&first.session, &store.load(&first.token).await);

    for _ in 0..2 {
        store.revoke_subject(subject).await;
        let text = "every session of the subject that was saved before is gone";
        let gone = Rule::of("revoke_subject", text);
        for token in [&first.token, &second.token, &updated.token] {
            gone.no_session(&store.load(token).await);
            gone.no_session(&store.load_fresh(token).await);
        }
    }
    let text = "no session of another subject, or of none, is gone";
    for spared in &spared {
        let rule = Rule::of("revoke_subject", text);
        rule.session(&spared.session, &store.load(&spared.token).await);
    }
    let later = store.later(A_MOMENT);
    let new = save_of(&later, subject, "new").await;
    let rule = Rule::of("revoke_subject", "a session that is saved afterwards lives");
    rule.session(&new.session, &later.load(&new.token).await);
}

pub(super) async fn live_sessions_of_a_subject_are_listed<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let (subject, other) = (new_subject(), new_subject());
    let save_of = async |store: &Checked<Store>, subject, name| {
        store.save(store.session(name).with_subject(subject)).await
    };
    let first = save_of(store, subject, "first").await;
    let second = save_of(store, subject, "second").await;
    let of_other = save_of(store, other, "of another subject").await;
    let of_none = store.save_new("of no subject").await;
    let mut sessions = vec![
        ("first", &first),
        ("second", &second),
        ("of another subject", &of_other),
        ("of no subject", &of_none),
    ];
    expect_listed(store, subject, &["first", "second"], &sessions).await;
    expect_listed(store, other, &["of another subject"], &sessions).await;
    expect_listed(store, new_subject(), &[], &sessions).await;
    store.update_to(&first, "first, updated").await;
    store.remove(&second.token).await;
    expect_listed(store, subject, &["first"], &sessions).await;
    store.revoke(store.id(&first)).await;
    expect_listed(store, subject, &[], &sessions).await;

    let third = save_of(store, subject, "third").await;
    store.revoke_subject(subject).await;
    let later = store.later(A_MOMENT);
    let fourth = save_of(&later, subject, "fourth").await;
    sessions.extend([("third", &third), ("fourth", &fourth)]);
    expect_listed(&later, subject, &["fourth"], &sessions).await;
}

async fn expect_listed<Store: SessionStore>(
    store: &Checked<Store>,
    subject: SubjectId,
    expected: &[&str],
    sessions: &[(&str, &Saved)],
) {
    let listed = store.store().sessions_of(subject, store.now).await;
    let rule = Rule::of("sessions_of", "to list sessions is not an error");
    // A store may have no list.
    if let Some(listed) = rule.ok(listed) {
        let text = "it lists exactly the live sessions of the subject";
        let listed = store.names(&listed, sessions);
        Rule::of("sessions_of", text).equal(&expected, &listed.as_slice());
    }
}
