//! What this process knows of the sessions, and which of them are being ended.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{
    in_flight::{Answer, Follower, InFlight},
    state::State,
    target::Target,
};
use crate::{
    session::{Session, SessionId, SubjectId},
    sync::{RwLock, read, write},
};

pub(super) struct Cache {
    state: RwLock<State>,
    /// What is being ended at this moment; counted, as two callers may end the same. Changes under
    /// the lock of `state` only.
    active: watch::Sender<Active>,
}

type Active = HashMap<Target, usize>;

/// Where to find a session.
pub(super) enum Lookup {
    Hit(Option<Session>),
    /// Another caller asked the store before.
    InFlight(Follower),
    /// The caller has to ask the store.
    Miss(Arc<InFlight>),
}

/// When a session began to be written.
#[derive(Clone, Copy)]
pub(super) struct WriteStamp {
    begun: Instant,
    invalidations: u64,
}

/// The answer of the store may be from before a change: the store has to be asked again.
pub(super) struct Invalidated {
    pub subject: Option<SubjectId>,
}

impl Cache {
    pub(super) fn new(capacity: usize, staleness: Duration) -> Self {
        Self {
            state: RwLock::new(State::new(capacity, staleness)),
            active: watch::Sender::default(),
        }
    }

    pub(super) fn get(&self, id: SessionId) -> Option<Option<Session>> {
        read(&self.state).get(id)
    }

    /// A `fresh` look-up goes past what is known, and past what the store was asked before.
    pub(super) fn lookup(&self, id: SessionId, fresh: bool) -> Lookup {
        let mut state = write(&self.state);
        if fresh {
            state.forget(id);
        }
        if self.is_being_ended(id) {
            return Lookup::Hit(None);
        }
        if let Some(known) = state.get(id) {
            return Lookup::Hit(known);
        }
        if let Some(in_flight) = state.in_flight.get(&id) {
            return Lookup::InFlight(in_flight.follow());
        }
        let in_flight = Arc::new(InFlight::new());
        state.in_flight.insert(id, Arc::clone(&in_flight));
        Lookup::Miss(in_flight)
    }

    /// Keeps the answer of the store and hands it to all callers that wait, if it holds.
    pub(super) fn complete(
        &self,
        id: SessionId,
        in_flight: &Arc<InFlight>,
        as_of: Instant,
        answer: Answer,
    ) -> Result<(), Invalidated> {
        let mut state = write(&self.state);
        if !state.is_current(id, in_flight) {
            // The end of the session was its answer.
            return Ok(());
        }
        let session = answer.as_ref().ok().and_then(Option::as_ref);
        let subject = session.and_then(Session::subject);
        if !is_settled(&self.active.borrow(), subject) || in_flight.is_invalidated(id, subject) {
            return Err(Invalidated { subject });
        }
        match &answer {
            Ok(Some(session)) => state.insert(id, session.clone(), as_of),
            Ok(None) => state.unknown.insert(id, (), as_of),
            Err(_) => {}
        }
        state.in_flight.remove(&id);
        in_flight.complete(answer);
        Ok(())
    }

    /// Gives a look-up up, if no caller waits for it.
    pub(super) fn cancel_if_unwatched(&self, id: SessionId, in_flight: &Arc<InFlight>) -> bool {
        // Under the lock, as no caller can join then.
        let mut state = write(&self.state);
        let is_cancelled = !in_flight.is_watched();
        if is_cancelled {
            state.remove_in_flight(id, in_flight);
        }
        is_cancelled
    }

    pub(super) fn remove_in_flight(&self, id: SessionId, in_flight: &Arc<InFlight>) {
        write(&self.state).remove_in_flight(id, in_flight);
    }

    /// Waits while all sessions are being ended, or those of the subject: until then it is not
    /// certain what the inner store finds.
    pub(super) async fn settled(&self, subject: Option<SubjectId>) {
        let mut active = self.active.subscribe();
        // It fails without a sender, and that is here.
        let _ = active.wait_for(|active| is_settled(active, subject)).await;
    }

    /// Whether a session is being ended by its id, or was within the staleness.
    pub(super) fn has_ended(&self, id: SessionId) -> bool {
        let state = read(&self.state);
        self.is_being_ended(id) || state.ended.get(id).is_some()
    }

    fn is_being_ended(&self, id: SessionId) -> bool {
        self.active.borrow().contains_key(&Target::Session(id))
    }

    pub(super) fn write_stamp(&self) -> WriteStamp {
        WriteStamp {
            begun: Instant::now(),
            invalidations: read(&self.state).invalidations,
        }
    }

    /// Keeps a session that was written, unless any session was ended since: it may be this one.
    pub(super) fn insert(&self, id: SessionId, session: Session, stamp: WriteStamp) {
        let mut state = write(&self.state);
        let is_certain = state.invalidations == stamp.invalidations
            && is_settled(&self.active.borrow(), session.subject());
        if is_certain {
            state.insert(id, session, stamp.begun);
            state.invalidate(id);
        } else {
            state.forget(id);
        }
    }

    /// Forgets what is known of a session, so that the store is asked.
    pub(super) fn forget(&self, id: SessionId) {
        write(&self.state).forget(id);
    }

    /// Gives no session of the target out until the returned value is dropped. One that is ended by
    /// its id is refused for the staleness after that.
    pub(super) fn invalidate(&self, target: Target) -> Invalidation<'_> {
        let mut state = write(&self.state);
        state.invalidations += 1;
        self.active
            .send_modify(|active| *active.entry(target).or_default() += 1);
        match target {
            Target::Session(id) => state.end(id),
            Target::Subject(ended) => {
                state
                    .sessions
                    .retain(|known| known.subject() != Some(ended));
            }
            Target::All => state.sessions.retain(|_| false),
        }
        Invalidation {
            cache: self,
            target,
        }
    }

    /// How many sessions are known, and how many tokens without one.
    pub(super) fn len(&self) -> (usize, usize) {
        let state = read(&self.state);
        (state.sessions.len(), state.unknown.len())
    }
}

fn is_settled(active: &Active, subject: Option<SubjectId>) -> bool {
    let is_active = |target| active.contains_key(&target);
    !is_active(Target::All) && !subject.map(Target::Subject).is_some_and(is_active)
}

/// Sessions that are being ended: until that is done, or failed, or its caller hung up.
pub(super) struct Invalidation<'c> {
    cache: &'c Cache,
    target: Target,
}

impl Drop for Invalidation<'_> {
    fn drop(&mut self) {
        let mut state = write(&self.cache.state);
        state.invalidations += 1;
        match self.target {
            Target::Session(id) => state.ended.insert(id, (), Instant::now()),
            Target::Subject(_) | Target::All => {
                let in_flight = state.in_flight.values();
                in_flight.for_each(|in_flight| in_flight.invalidate(self.target));
            }
        }
        self.cache.active.send_modify(|active| {
            let count = active.remove(&self.target).unwrap_or_default();
            if count > 1 {
                active.insert(self.target, count - 1);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{boxed::BoxFuture, detached, key::CookieKeys, session::SessionToken};

    const MINUTE: Duration = Duration::from_secs(60);

    fn cache() -> Cache {
        Cache::new(10, MINUTE)
    }

    fn id() -> SessionId {
        SessionToken::random().id()
    }

    fn session() -> Session {
        Session::new("token", SystemTime::now() + MINUTE)
    }

    fn subjects() -> [SubjectId; 2] {
        let keys = CookieKeys::random();
        ["customer 17", "customer 18"].map(|name| SubjectId::new(&keys, name))
    }

    fn put(cache: &Cache, id: SessionId, session: &Session) {
        cache.insert(id, session.clone(), cache.write_stamp());
    }

    fn knows(cache: &Cache, id: SessionId) -> bool {
        matches!(cache.get(id), Some(Some(_)))
    }

    /// Asks the store, and has it answer after `in_between`. Returns whether that answer holds.
    fn holds(cache: &Cache, id: SessionId, answer: Answer, in_between: impl FnOnce()) -> bool {
        let Lookup::Miss(in_flight) = cache.lookup(id, false) else {
            panic!("the session is known or in flight");
        };
        let asked_at = in_flight.restart();
        in_between();
        let completed = cache.complete(id, &in_flight, asked_at, answer);
        cache.remove_in_flight(id, &in_flight);
        completed.is_ok()
    }

    fn find_none(cache: &Cache) {
        assert!(holds(cache, id(), Ok(None), || ()));
    }

    #[test]
    fn cache_is_bounded_in_every_flood() {
        for (capacity, unknown) in [(0, 0), (1, 1), (100, 13), (10_000, 1_250)] {
            let cache = Cache::new(capacity, MINUTE);
            for _ in 0..capacity + 200 {
                put(&cache, id(), &session());
                find_none(&cache);
                drop(cache.invalidate(Target::Session(id())));
            }
            let length = cache.len();
            assert!(length.0 <= capacity && length.1 <= unknown, "{length:?}");
            let active = cache.active.borrow().len();
            assert_eq!(active, 0, "and nothing is left of what ended");
        }
    }

    #[test]
    fn unknown_tokens_push_no_session_out() {
        let cache = Cache::new(1_000, MINUTE);
        let sessions: Vec<_> = (0..300).map(|_| id()).collect();
        for id in &sessions {
            put(&cache, *id, &session());
        }
        for _ in 0..5_000 {
            find_none(&cache);
        }
        assert!(sessions.iter().all(|id| knows(&cache, *id)));
    }

    #[test]
    fn slow_write_brings_no_ended_session_back() {
        let (cache, [subject, other]) = (cache(), subjects());
        let session = session().with_subject(subject);
        let is_kept = |ended: Option<Target>| {
            let (id, stamp) = (id(), cache.write_stamp());
            if let Some(target) = ended {
                drop(cache.invalidate(target));
            }
            cache.insert(id, session.clone(), stamp);
            knows(&cache, id)
        };
        assert!(is_kept(None));
        for target in [
            Target::Session(id()),
            Target::Subject(subject),
            Target::Subject(other),
            Target::All,
        ] {
            assert!(!is_kept(Some(target)));
        }
    }

    #[test]
    fn write_that_overlaps_an_end_is_not_kept() {
        let (cache, id, [subject, _]) = (cache(), id(), subjects());
        let session = session().with_subject(subject);
        for target in [Target::Session(id), Target::Subject(subject), Target::All] {
            let before = cache.write_stamp();
            let invalidation = cache.invalidate(target);
            let during = cache.write_stamp();
            cache.insert(id, session.clone(), before);
            assert!(!knows(&cache, id), "it began before the end");
            drop(invalidation);
            cache.insert(id, session.clone(), during);
            assert!(!knows(&cache, id), "it began before the end was over");
        }
    }

    #[test]
    fn caller_waits_while_the_sessions_of_its_subject_are_being_ended() {
        let (cache, [subject, other]) = (cache(), subjects());
        let callers = [Some(subject), Some(other), None];
        let waits = |caller| {
            let mut settled: BoxFuture<'_, ()> = Box::pin(cache.settled(caller));
            detached::now(&mut settled).is_none()
        };
        for (target, expected) in [
            (Target::Session(id()), [false; 3]),
            (Target::Subject(subject), [true, false, false]),
            (Target::All, [true; 3]),
        ] {
            let invalidation = cache.invalidate(target);
            assert_eq!(callers.map(waits), expected);
            drop(invalidation);
            assert_eq!(callers.map(waits), [false; 3]);
        }
    }

    #[test]
    fn look_up_is_given_up_only_when_no_caller_waits() {
        let (cache, id) = (cache(), id());
        let Lookup::Miss(in_flight) = cache.lookup(id, false) else {
            panic!("no caller has asked");
        };
        let first = in_flight.follow();
        assert!(!cache.cancel_if_unwatched(id, &in_flight));
        let Lookup::InFlight(second) = cache.lookup(id, false) else {
            panic!("the look-up goes on");
        };
        drop(first);
        assert!(!cache.cancel_if_unwatched(id, &in_flight));
        drop(second);
        assert!(cache.cancel_if_unwatched(id, &in_flight));
        assert!(matches!(cache.lookup(id, false), Lookup::Miss(_)));
    }

    #[test]
    fn nothing_is_known_while_all_sessions_are_being_ended() {
        let (cache, id) = (cache(), id());
        let twice = [(); 2].map(|()| cache.invalidate(Target::All));
        for invalidation in twice {
            put(&cache, id, &session());
            assert!(!knows(&cache, id));
            assert!(!holds(&cache, id, Ok(Some(session())), || ()));
            drop(invalidation);
        }
        put(&cache, id, &session());
        assert!(knows(&cache, id));
    }

    #[test]
    fn end_of_a_subject_is_the_end_of_its_known_sessions_only() {
        let (cache, [subject, other]) = (cache(), subjects());
        let [ended, kept, without] = [id(), id(), id()];
        put(&cache, ended, &session().with_subject(subject));
        put(&cache, kept, &session().with_subject(other));
        put(&cache, without, &session());
        let invalidation = cache.invalidate(Target::Subject(subject));
        assert!(!knows(&cache, ended));
        assert!(knows(&cache, kept) && knows(&cache, without));
        put(&cache, ended, &session().with_subject(subject));
        assert!(!knows(&cache, ended), "not until that is done");
        drop(invalidation);
        put(&cache, ended, &session().with_subject(subject));
        assert!(knows(&cache, ended), "a new login");
    }

    #[test]
    fn answer_from_before_the_end_of_its_subject_is_not_kept() {
        let (cache, [subject, other]) = (cache(), subjects());
        let found = || Ok(Some(session().with_subject(subject)));
        let end = |target| drop(cache.invalidate(target));

        let late = id();
        assert!(!holds(&cache, late, found(), || end(Target::Subject(
            subject
        ))));
        assert!(!knows(&cache, late));

        let invalidation = cache.invalidate(Target::Subject(subject));
        let during = id();
        assert!(!holds(&cache, during, found(), || ()));
        assert!(!knows(&cache, during));
        drop(invalidation);

        let unconcerned = id();
        assert!(holds(&cache, unconcerned, found(), || end(
            Target::Subject(other)
        )));
        assert!(knows(&cache, unconcerned));
        assert!(holds(&cache, id(), Ok(None), || end(Target::Subject(
            subject
        ))));
    }

    #[test]
    fn answer_from_before_a_write_or_an_end_is_not_kept() {
        let (cache, found) = (cache(), || Ok(Some(session())));
        let end_all = || drop(cache.invalidate(Target::All));
        assert!(!holds(&cache, id(), found(), end_all));
        assert!(!holds(&cache, id(), Ok(None), end_all));

        let known = id();
        let later = session().touched_at(SystemTime::now());
        assert!(!holds(&cache, known, found(), || put(
            &cache, known, &later
        )));
        assert!(matches!(cache.get(known), Some(Some(known)) if known.version() == 1));

        let forgotten = id();
        assert!(!holds(&cache, forgotten, found(), || cache.forget(forgotten)));

        let ended = id();
        let end = || drop(cache.invalidate(Target::Session(ended)));
        assert!(holds(&cache, ended, found(), end), "its end was the answer");
        assert!(matches!(cache.get(ended), Some(None)));

        // What was invalidated before the store was asked does not count.
        assert!(holds(&cache, id(), found(), || ()));
    }

    #[test]
    fn overtaken_state_does_not_take_the_place_of_a_later_one() {
        let (cache, id, first) = (cache(), id(), session());
        let later = first.touched_at(SystemTime::now());
        for state in [&later, &first] {
            put(&cache, id, state);
        }
        let known = cache.get(id).flatten().unwrap();
        assert_eq!(known.version(), 1);
    }
}
