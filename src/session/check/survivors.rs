//! Sessions that were saved before a fault.

use super::{
    checked::{Checked, Saved, new_subject, next},
    rule::{Found, Rule, is_whole},
};
use crate::session::{Session, SessionStore, SubjectId};

/// Sessions of which the store knows everything before a fault.
pub(super) struct Kept {
    pub subject: SubjectId,
    pub live: Saved,
    pub removed: Saved,
    /// Whether the store can list the sessions of a subject.
    pub listed: bool,
}

impl Kept {
    pub(super) async fn saved<Store: SessionStore>(store: &Checked<Store>) -> Self {
        let subject = new_subject();
        let live = store.session("live").with_subject(subject);
        let removed = store.save_new("removed").await;
        store.remove(&removed.token).await;
        let live = store.save(next(&live, "live")).await;
        let listed = store.store().sessions_of(subject, store.now).await;
        let rule = Rule::of("sessions_of", "to list sessions is not an error");
        let listed = rule.ok(listed).is_some();
        Self {
            subject,
            live,
            removed,
            listed,
        }
    }
}

/// Sessions of which it is not known whether a call reached the store.
pub(super) struct UncertainSessions {
    pub updated: Saved,
    pub removed: Saved,
    pub revoked: Saved,
    pub subject: SubjectId,
    pub of_subject: Saved,
}

impl UncertainSessions {
    pub(super) async fn saved<Store: SessionStore>(store: &Checked<Store>) -> Self {
        let subject = new_subject();
        let of_subject = store.session("of subject").with_subject(subject);
        Self {
            updated: store.save_new("first").await,
            removed: store.save_new("removed").await,
            revoked: store.save_new("revoked").await,
            subject,
            of_subject: store.save(of_subject).await,
        }
    }

    pub(super) async fn can_still_be_ended<Store: SessionStore>(&self, store: &Checked<Store>) {
        let found = store.load(&self.updated.token).await;
        let (first, later) = (&self.updated.session, next(&self.updated.session, "later"));
        if !is_any_of(&found, &[first, &later]) {
            let text = "a session is whole after a fault, in its state before the update or after";
            Rule::of("update", text).session(first, &found);
        }
        store.remove(&self.updated.token).await;
        store.remove(&self.removed.token).await;
        store.revoke(store.id(&self.revoked)).await;
        store.revoke_subject(self.subject).await;
        for (method, saved) in [
            ("remove", &self.updated),
            ("remove", &self.removed),
            ("revoke", &self.revoked),
            ("revoke_subject", &self.of_subject),
        ] {
            let rule = Rule::of(method, "what could not be ended can be ended after a fault");
            rule.no_session(&store.load(&saved.token).await);
        }
    }
}

fn is_any_of(found: &Found, states: &[&Session]) -> bool {
    let found = found.session.as_ref();
    found.is_some_and(|found| states.iter().any(|state| is_whole(found, state)))
}
