//! The memory store: sessions that are saved, refreshed and ended while the sweeper runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shuttle::{future::block_on, thread};

use crate::{
    digest::sha256,
    explore::{Model, Search},
    key::CookieKeys,
    session::{MemoryStore, Session, SessionStore, SessionToken, StoreError, SubjectId},
};

models! {
    "memory_store":
    tokens_that_collide_overwrite_nothing, Search::Some(50_000);
    ended_session_does_not_come_back_by_a_refresh, Search::Some(50_000);
    only_one_of_two_refreshes_is_kept, Search::Every;
    all_sessions_of_a_subject_end, Search::Some(50_000);
    all_sessions_end, Search::Some(50_000);
    session_that_ends_while_it_is_saved_leaves_nothing, Search::Some(50_000);
    places_are_never_more_than_the_capacity, Search::Some(50_000);
    save_is_refused_only_where_live_sessions_fill_the_store, Search::Some(50_000);
    limit_of_a_subject_keeps_the_newest, Search::Some(50_000);
    place_is_free_once_its_session_is_gone, Search::Every;
    one_sweeper_runs, Search::Some(50_000);
    sweeper_forgets_the_last_session_too, Search::Some(50_000);
    sweeper_takes_no_live_session, Search::Some(50_000);
}

/// In seconds since the Unix epoch.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

const NOW: u64 = 1_000_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A store whose sessions have a subject.
#[derive(Clone)]
struct Checked {
    store: MemoryStore,
    subject: SubjectId,
}

impl Checked {
    fn new(capacity: usize) -> Self {
        Self::of(MemoryStore::with_capacity(capacity))
    }

    fn of(store: MemoryStore) -> Self {
        let keys = CookieKeys::new([sha256(&[b"key"])]).unwrap();
        let subject = SubjectId::new(&keys, "customer 17");
        Self { store, subject }
    }

    /// A session of this access token for so many seconds.
    fn session(&self, name: &str, seconds: u64) -> Session {
        Session::new(name, at(NOW + seconds)).with_subject(self.subject)
    }

    fn save_at(&self, session: Session, now: u64) -> Result<SessionToken, StoreError> {
        block_on(self.store.save(session, at(now)))
    }

    fn save(&self, name: &str, seconds: u64) -> SessionToken {
        let saved = self.save_at(self.session(name, seconds), NOW);
        saved.expect("there is room")
    }

    /// The access token of the session.
    fn load(&self, token: &SessionToken, now: u64) -> Option<String> {
        let session = block_on(self.store.load(token, at(now))).unwrap();
        session.map(|session| session.access_token().secret().to_owned())
    }

    fn loads(&self, token: &SessionToken) -> bool {
        self.load(token, NOW).is_some()
    }

    /// Returns whether it was kept.
    fn refresh(&self, token: &SessionToken, before: &Session) -> bool {
        let after = before.touched_at(at(NOW));
        let updated = block_on(self.store.update(token, after, at(NOW)));
        updated.unwrap().is_some()
    }

    fn session_of(&self, token: &SessionToken) -> Session {
        block_on(self.store.load(token, at(NOW))).unwrap().unwrap()
    }

    fn remove(&self, token: &SessionToken) {
        block_on(self.store.remove(token, at(NOW))).unwrap();
    }

    /// What must hold after everything: so many sessions are kept, and the index has the same.
    fn holds(&self, sessions: usize) {
        assert_eq!(
            (self.store.len(), self.store.indexed()),
            (sessions, sessions)
        );
    }
}

/// Both draw the same token.
/// S62.
fn tokens_that_collide_overwrite_nothing() {
    let checked = Checked::new(2);
    let sessions = ["ours", "other"].map(|name| checked.session(name, 60));
    rand::collide();
    let [ours, other] = sessions.map(|session| {
        let checked = checked.clone();
        thread::spawn(move || checked.save_at(session, NOW).unwrap())
    });
    let ours = ours.join().unwrap();
    let other = other.join().unwrap();
    assert_eq!(checked.load(&ours, NOW).as_deref(), Some("ours"));
    assert_eq!(checked.load(&other, NOW).as_deref(), Some("other"));
    checked.holds(2);
}

/// A refresh is in progress while the user logs out, and the sweeper runs.
/// S75.
fn ended_session_does_not_come_back_by_a_refresh() {
    let checked = Checked::new(2);
    let token = checked.save("token", 600);
    checked.save("that has expired", 30);
    let before = checked.session_of(&token);
    block_on(tokio::runtime::idle());
    let refresher = {
        let (checked, token) = (checked.clone(), token.clone());
        thread::spawn(move || checked.refresh(&token, &before))
    };
    let sweeper = thread::spawn(|| tokio::time::pass(MINUTE));
    checked.remove(&token);
    assert!(!checked.loads(&token), "it was ended");
    refresher.join().unwrap();
    sweeper.join().unwrap();
    assert!(!checked.loads(&token), "it came back");
    block_on(tokio::runtime::idle());
    checked.holds(0);
}

fn only_one_of_two_refreshes_is_kept() {
    let checked = Checked::new(2);
    let token = checked.save("token", 60);
    let before = checked.session_of(&token);
    let other = {
        let (checked, token, before) = (checked.clone(), token.clone(), before.clone());
        thread::spawn(move || checked.refresh(&token, &before))
    };
    let kept = [checked.refresh(&token, &before), other.join().unwrap()];
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 1, "{kept:?}");
    assert_eq!(checked.session_of(&token).version(), 1);
}

/// S84.
fn all_sessions_of_a_subject_end() {
    end_all(|checked| {
        let until = at(NOW + 600);
        let subject = checked.subject;
        block_on(checked.store.revoke_subject(subject, until, at(NOW))).unwrap();
    });
}

/// S74.
fn all_sessions_end() {
    end_all(|checked| block_on(checked.store.revoke_all(at(NOW))).unwrap());
}

/// Two were saved before. One is refreshed, and a third is saved in the meantime.
fn end_all(end: fn(&Checked)) {
    let checked = Checked::new(3);
    let tokens = [checked.save("one", 600), checked.save("other", 600)];
    let before = checked.session_of(&tokens[0]);
    let refresher = {
        let (checked, token) = (checked.clone(), tokens[0].clone());
        thread::spawn(move || checked.refresh(&token, &before))
    };
    let login = {
        let checked = checked.clone();
        thread::spawn(move || checked.save("new", 600))
    };
    end(&checked);
    let ended = || !tokens.iter().any(|token| checked.loads(token));
    assert!(ended());
    refresher.join().unwrap();
    let new = login.join().unwrap();
    assert!(ended());
    checked.holds(usize::from(checked.loads(&new)));
}

/// All sessions end while one is saved, and its browser logs out at once.
/// S74.
fn session_that_ends_while_it_is_saved_leaves_nothing() {
    let checked = Checked::new(2);
    let all = {
        let checked = checked.clone();
        thread::spawn(move || block_on(checked.store.revoke_all(at(NOW))).unwrap())
    };
    let subject = {
        let checked = checked.clone();
        thread::spawn(move || {
            let (subject, until) = (checked.subject, at(NOW + 600));
            block_on(checked.store.revoke_subject(subject, until, at(NOW))).unwrap();
        })
    };
    let token = checked.save("token", 600);
    checked.remove(&token);
    assert!(!checked.loads(&token));
    all.join().unwrap();
    subject.join().unwrap();
    checked.holds(0);
}

/// S81.
fn places_are_never_more_than_the_capacity() {
    let checked = Checked::new(2);
    let logins = [0, 1, 2].map(|_| {
        let checked = checked.clone();
        thread::spawn(move || {
            let saved = checked.save_at(checked.session("token", 600), NOW);
            assert!(checked.store.len() <= 2);
            if let Ok(token) = &saved {
                checked.remove(token);
                assert!(checked.store.len() <= 2);
            }
            saved.is_ok()
        })
    });
    let saved = logins.map(|login| login.join().unwrap());
    assert!(saved.iter().filter(|saved| **saved).count() >= 2);
    checked.holds(0);
    for _ in 0..2 {
        checked.save("token", 600);
    }
    assert!(checked.save_at(checked.session("token", 600), NOW).is_err());
}

/// Two logins come when both places have sessions that have expired.
/// S81.
fn save_is_refused_only_where_live_sessions_fill_the_store() {
    let checked = Checked::new(2);
    checked.save("one", 30);
    checked.save("other", 30);
    let login = |checked: &Checked| {
        let session = checked.session("new", 600);
        checked.save_at(session, NOW + 30).is_ok()
    };
    let other = {
        let checked = checked.clone();
        thread::spawn(move || login(&checked))
    };
    assert!(login(&checked), "there is room for both");
    assert!(other.join().unwrap(), "there is room for both");
    checked.holds(2);
}

fn place_is_free_once_its_session_is_gone() {
    let checked = Checked::new(1);
    let token = checked.save("token", 600);
    let logout = {
        let (checked, token) = (checked.clone(), token.clone());
        thread::spawn(move || checked.remove(&token))
    };
    if !checked.loads(&token) {
        checked.save("new", 600);
    }
    logout.join().unwrap();
}

/// Two logins of a subject that may have one session.
/// S84.
fn limit_of_a_subject_keeps_the_newest() {
    let store = MemoryStore::with_capacity(4).with_max_sessions_per_subject(1);
    let checked = Checked::of(store);
    let old = checked.save("old", 600);
    let other = {
        let checked = checked.clone();
        thread::spawn(move || checked.save("other", 600))
    };
    let ours = checked.save("ours", 600);
    let other = other.join().unwrap();
    assert!(!checked.loads(&old));
    assert_ne!(checked.loads(&ours), checked.loads(&other));
    checked.holds(1);
}

/// The first two logins come together.
fn one_sweeper_runs() {
    let checked = Checked::new(4);
    let other = {
        let checked = checked.clone();
        thread::spawn(move || checked.save("other", 600))
    };
    checked.save("one", 600);
    other.join().unwrap();
    block_on(tokio::runtime::idle());
    assert_eq!(tokio::time::sleepers(), 1);
}

/// A login comes while the sweeper is about to stop, since it has nothing left to do.
/// S81.
fn sweeper_forgets_the_last_session_too() {
    let checked = Checked::new(4);
    checked.save("one", 30);
    block_on(tokio::runtime::idle());
    let login = {
        let checked = checked.clone();
        thread::spawn(move || checked.save("other", 30))
    };
    tokio::time::pass(MINUTE);
    login.join().unwrap();
    block_on(tokio::runtime::idle());
    for _ in 0..2 {
        tokio::time::pass(MINUTE);
        block_on(tokio::runtime::idle());
    }
    checked.holds(0);
}

/// One has expired, one is live, and one is new.
/// S81.
fn sweeper_takes_no_live_session() {
    let checked = Checked::new(4);
    let short = checked.save("short", 30);
    let long = checked.save("long", 600);
    block_on(tokio::runtime::idle());
    let login = {
        let checked = checked.clone();
        thread::spawn(move || checked.save("new", 600))
    };
    tokio::time::pass(MINUTE);
    assert!(checked.loads(&long));
    let new = login.join().unwrap();
    block_on(tokio::runtime::idle());
    assert!(checked.loads(&long) && checked.loads(&new));
    assert_eq!(checked.load(&short, NOW), None);
    checked.holds(2);
}
