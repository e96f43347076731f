//! Rows of sessions in a store that was written for tower-sessions.

use std::{
    future::ready,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tower_sessions_core_015::{
    SessionStore as Store,
    session::{Id, Record as Row},
    session_store,
};

use super::{
    app::{App, keys},
    raw::Raw,
};
use crate::{
    key::Purpose,
    session::{Session, SessionId, SessionStore, SessionToken, TowerSessionsStore},
    sync::lock,
};

/// Longer than any run.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

thread_local! {
    static STORED: Stored = Stored::new();
}

/// A session that never changes and one that may, in a store of that family.
struct Stored {
    rows: Rows,
    store: TowerSessionsStore,
    tokens: [SessionToken; 2],
}

/// In the order in which they were made.
#[derive(Clone, Debug, Default)]
struct Rows(Arc<Mutex<Vec<Row>>>);

/// Puts an input in the place of one of the rows.
pub(super) fn check(data: &[u8], which: &str, record: &[u8]) {
    STORED.with(|stored| stored.check(data, which, record));
}

impl Stored {
    fn new() -> Self {
        let rows = Rows::default();
        let store = TowerSessionsStore::from_core_015(rows.clone(), &keys());
        let now = SystemTime::now();
        let tokens = [false, true].map(|renewable| {
            let session = Session::new("token", now + YEAR);
            let mut record = session.record().clone();
            record.renewable = renewable;
            let saved = store.save(Session::of(record), now);
            App::with(|app| app.block_on(saved)).expect("a store in memory")
        });
        Self {
            rows,
            store,
            tokens,
        }
    }

    fn load(&self, token: &SessionToken) -> Option<Session> {
        let loaded = self.store.load(token, SystemTime::now());
        App::with(|app| app.block_on(loaded)).expect("a store in memory")
    }

    fn check(&self, data: &[u8], which: &str, record: &[u8]) {
        let at = which.len() % lock(&self.rows.0).len();
        let id = lock(&self.rows.0)[at].id.0;
        let name = SessionId(id.to_le_bytes()).to_string();
        let sealer = keys().sealer(Purpose::Session, b"tower-sessions");
        let sealed = sealer.seal(&name, &Raw(record));
        for text in [String::from_utf8_lossy(data).into_owned(), sealed] {
            let before = self.replace(at, text);
            for token in &self.tokens {
                if let Some(session) = self.load(token) {
                    assert!(!session.is_expired_at(SystemTime::now()));
                }
            }
            self.replace(at, before);
        }
        assert!(self.tokens.iter().all(|token| self.load(token).is_some()));
    }

    fn replace(&self, at: usize, text: String) -> String {
        let mut rows = lock(&self.rows.0);
        let field = rows[at].data.values_mut().next().expect("a field");
        match std::mem::replace(field, Value::String(text)) {
            Value::String(before) => before,
            _ => panic!("the field is a string"),
        }
    }
}

type Call<'c, T> = Pin<Box<dyn Future<Output = session_store::Result<T>> + Send + 'c>>;

impl Store for Rows {
    fn create<'s, 'r, 'c>(&'s self, row: &'r mut Row) -> Call<'c, ()>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        self.save(row)
    }

    fn save<'s, 'r, 'c>(&'s self, row: &'r Row) -> Call<'c, ()>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        let mut rows = lock(&self.0);
        rows.retain(|known| known.id != row.id);
        rows.push(row.clone());
        Box::pin(ready(Ok(())))
    }

    fn load<'s, 'r, 'c>(&'s self, id: &'r Id) -> Call<'c, Option<Row>>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        let found = lock(&self.0).iter().find(|row| row.id == *id).cloned();
        Box::pin(ready(Ok(found)))
    }

    fn delete<'s, 'r, 'c>(&'s self, id: &'r Id) -> Call<'c, ()>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        lock(&self.0).retain(|row| row.id != *id);
        Box::pin(ready(Ok(())))
    }
}
