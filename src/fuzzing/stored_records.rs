//! Records of sessions, as cookies, Redis and stores for tower-sessions hold them.

use std::time::{Duration, SystemTime};

#[cfg(feature = "tower-sessions")]
use super::tower_sessions;
#[cfg(feature = "redis")]
use super::{
    app::{keys, unused_keys},
    raw::Raw,
};
use crate::session::{Record, Session};
#[cfg(feature = "redis")]
use crate::session::{RedisStore, SessionToken, stored};

/// A record that can be read is written as it was read. What a store returns is a session only if
/// it was sealed for that place and in that version.
///
/// The first line of the input says which version or which record of a session it is. The rest is
/// the record itself, before it is sealed.
pub fn stored_records(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (first, record) = data.split_at(end.unwrap_or(data.len()));
    let record = record.get(1..).unwrap_or_default();
    let first = str::from_utf8(first).unwrap_or_default();

    if let Ok(record) = postcard::from_bytes::<Record>(record) {
        check_record(record);
    }
    #[cfg(feature = "redis")]
    in_redis(data, first, record);
    #[cfg(feature = "tower-sessions")]
    tower_sessions::check(data, first, record);
    let _ = first;
}

fn bytes_of(session: &Session) -> Vec<u8> {
    postcard::to_allocvec(session.record()).expect("a plain struct")
}

fn check_record(record: Record) {
    let session = Session::of(record);
    let bytes = bytes_of(&session);
    let again: Record = postcard::from_bytes(&bytes).expect("what was just written");
    assert_eq!(bytes_of(&Session::of(again)), bytes);

    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let expired = session.is_expired_at(now);
    assert_eq!(session.expires_at() <= now, expired);
    assert_eq!(session.seconds_left(1_800_000_000) == 0, expired);
    let _ = session.is_idle(1_800_000_000, 60);
    let next = session.touched_at(now);
    let is_last = session.version() == u32::MAX;
    assert_eq!(session.accepts_update(&next), !is_last);
    assert!(!session.accepts_update(&session));
    let shown = format!("{session:?}");
    let (issued_at, expires_at) = (session.signed_in_at(), session.record().expires_at);
    let expected = format!("Session {{ issued_at: {issued_at}, expires_at: {expires_at}, .. }}");
    assert_eq!(shown, expected);
}

#[cfg(feature = "redis")]
fn in_redis(data: &[u8], version: &str, record: &[u8]) {
    thread_local! {
        static STORES: [RedisStore; 2] = [keys(), unused_keys()]
            .map(|keys| RedisStore::new("redis://127.0.0.1", &keys).expect("an address"));
    }
    STORES.with(|[store, unused]| {
        let [id, other] = ["a", "b"].map(|token| SessionToken::new(token).id());
        assert!(unused.open(id, data).is_none(), "it was not sealed");
        let sealer = stored(&keys());
        let sealed = sealer.seal(&id.to_string(), &Raw(record));
        let value = format!("{version}.{sealed}");
        assert!(store.open(other, value.as_bytes()).is_none());
        if let Some(session) = store.open(id, value.as_bytes()) {
            assert_eq!(session.version().to_string(), version);
            let kept = store.seal(&session, id);
            let again = store.open(id, kept.as_bytes()).expect("what it keeps");
            assert_eq!(bytes_of(&again), bytes_of(&session));
        }
    });
}
