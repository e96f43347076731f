//! A store whose server is gone says so, and finds its way back.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{
    claims::{keeps_claims, name},
    find, is_whole, keep, load, next, remove, replace, save, session,
};
use crate::session::{Claim, Fault, Session, SessionStore, SessionToken, StoreError};

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const HEALS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const TTL: Duration = Duration::from_secs(60);

/// Tries what becomes of a store whose server fails; for the tests of whoever writes a store behind a network.
///
/// `inject` breaks whatever the store talks to, and heals it with [`Fault::None`]: a proxy in between that hangs, say, or a server that is
/// stopped and goes on. It returns when that is done.
///
/// As long as there is an [error](Fault::Error) or [no answer](Fault::Hang), whatever is asked of the store must end in an error within
/// 5 seconds, and never in "there is no such session"; only a store with a memory may still load a session that it knows. An answer that comes [late](Fault::Slow) is as good as any. When all is well
/// again, so must the store be within 10 seconds, without being made anew, with every session that it had.
///
/// Like [`check_store`](super::check_store) it ends every session: give it a store of its own.
///
/// ```no_run
/// # async fn break_or_heal(_: telenor_auth::session::Fault) {}
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let store = telenor_auth::session::MemoryStore::new();
/// use telenor_auth::session::check_store_faults;
///
/// check_store_faults(store, async |fault| break_or_heal(fault).await).await;
/// # }
/// ```
///
/// # Panics
///
/// On the first rule that the store breaks, with the rule as the message; and outside a tokio runtime.
pub async fn check_store_faults<Store: SessionStore>(
    store: Store,
    mut inject: impl AsyncFnMut(Fault),
) {
    inject(Fault::None).await;
    let keeps_claims = keeps_claims(&store).await;
    let kept = next(&session("kept"), "kept");
    let token = keep(&store, &kept).await;
    for fault in [Fault::Error, Fault::Hang] {
        let broken = Broken { fault };
        let sacrificed = Sacrificed::saved(&store).await;
        inject(fault).await;
        broken.looking_up(&store, &token, &kept).await;
        broken.changing(&store, &sacrificed).await;
        if keeps_claims {
            broken.claiming(&store).await;
        }
        inject(Fault::None).await;
        finds_its_way_back(&store, &token).await;
        let found = find(&store, &token).await;
        assert!(
            found.is_some_and(|found| is_whole(&found, &kept)),
            "after Fault::{fault:?} every session is there as it was"
        );
        sacrificed.can_still_be_ended(&store).await;
    }
    inject(Fault::Slow).await;
    slow_is_as_good(&store, keeps_claims).await;
    for fault in [Fault::Error, Fault::Hang] {
        inject(fault).await;
        let broken = Broken { fault };
        broken.refuses("revoke_all", store.revoke_all()).await;
        inject(Fault::None).await;
        finds_its_way_back(&store, &token).await;
    }
    let all = store.revoke_all().await;
    all.expect("all sessions can be revoked");
    assert!(
        load(&store, &token).await.is_none(),
        "every session can be revoked when all is well again"
    );
}

/// Sessions of which nobody knows what became of them: an answer was lost, and perhaps not the question.
struct Sacrificed {
    replaced: (SessionToken<'static>, Session),
    removed: SessionToken<'static>,
    revoked: (SessionToken<'static>, Session),
}

impl Sacrificed {
    async fn saved<Store: SessionStore>(store: &Store) -> Self {
        let (first, revoked) = (session("first"), session("revoked"));
        Self {
            replaced: (keep(store, &first).await, first),
            removed: save(store, "removed").await,
            revoked: (keep(store, &revoked).await, revoked),
        }
    }

    async fn can_still_be_ended<Store: SessionStore>(&self, store: &Store) {
        let found = load(store, &self.replaced.0).await;
        assert!(
            matches!(found.as_deref(), Some("first" | "later")),
            "a session is whole after it may have been replaced"
        );
        for token in [&self.replaced.0, &self.removed, &self.revoked.0] {
            remove(store, token).await;
            assert!(
                load(store, token).await.is_none(),
                "what could not be ended can be when all is well again"
            );
        }
    }
}

struct Broken {
    fault: Fault,
}

impl Broken {
    async fn answer<T>(
        &self,
        what: &str,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = self.fault;
        let answer = timeout(ANSWERS_WITHIN, answer).await;
        answer.unwrap_or_else(|_| {
            panic!("{what} answers within {ANSWERS_WITHIN:?} under Fault::{fault:?}")
        })
    }

    async fn refuses<T>(&self, what: &str, answer: impl Future<Output = Result<T, StoreError>>) {
        let answer = self.answer(what, answer).await;
        let fault = self.fault;
        assert!(
            answer.is_err(),
            "{what} is an error under Fault::{fault:?}, and no answer"
        );
    }

    async fn looking_up<Store: SessionStore>(
        &self,
        store: &Store,
        token: &SessionToken<'_>,
        kept: &Session,
    ) {
        // A store with a memory may know it, and must know it right.
        if let Ok(found) = self.answer("load", store.load(token)).await {
            assert!(
                found.is_some_and(|found| is_whole(&found, kept)),
                "a session that is there is not taken for gone under Fault::{:?}",
                self.fault
            );
        }
        self.refuses("reload", store.reload(token)).await;
    }

    async fn changing<Store: SessionStore>(&self, store: &Store, sacrificed: &Sacrificed) {
        self.refuses("save", store.save(session("never"))).await;
        let (token, first) = &sacrificed.replaced;
        let replaced = store.replace(token, next(first, "later"));
        self.refuses("replace", replaced).await;
        let removed = store.remove(&sacrificed.removed);
        self.refuses("remove", removed).await;
        let (token, session) = &sacrificed.revoked;
        let revoked = store.revoke(store.id(token, session), session.expires_at());
        self.refuses("revoke", revoked).await;
    }

    async fn claiming<Store: SessionStore>(&self, store: &Store) {
        let name = name();
        self.refuses("claim", store.claim(&name, TTL)).await;
        self.refuses("settle", store.settle(&name, "never", TTL))
            .await;
        self.refuses("release", store.release(&name)).await;
    }
}

/// Reading and writing may come back one after the other.
async fn finds_its_way_back<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) {
    let until = Instant::now() + HEALS_WITHIN;
    loop {
        let there = timeout(ANSWERS_WITHIN, async {
            store.reload(token).await?;
            store.save(session("there again")).await
        });
        if let Ok(Ok(_)) = there.await {
            return;
        }
        assert!(
            Instant::now() < until,
            "a store finds its way back within {HEALS_WITHIN:?}"
        );
        sleep(LOOK_EVERY).await;
    }
}

async fn slow_is_as_good<Store: SessionStore>(store: &Store, keeps_claims: bool) {
    let first = session("first");
    let token = keep(store, &first).await;
    let later = next(&first, "later");
    let replaced = replace(store, &token, &later).await;
    let token = replaced.expect("a late answer is no reason not to replace a session");
    let found = find(store, &token).await;
    assert!(
        found.is_some_and(|found| is_whole(&found, &later)),
        "a late answer is as good as any"
    );
    assert!(
        replace(store, &token, &later).await.is_none(),
        "a late answer is no reason to replace a session twice"
    );
    remove(store, &token).await;
    assert!(
        load(store, &token).await.is_none(),
        "a late answer is no reason not to remove a session"
    );
    if keeps_claims {
        let name = name();
        for expected in [Claim::Won, Claim::Lost] {
            let claimed = store.claim(&name, TTL).await;
            assert_eq!(
                claimed.expect("claiming a piece of work is no error"),
                expected,
                "a late answer is no reason to claim work twice"
            );
        }
    }
}
