//! A store for tower-sessions-core 0.15, which fails in each way that real ones do.

use std::{
    collections::HashMap,
    future::pending,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::yield_now,
    time::{sleep, timeout},
};
use tower_sessions_core::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

const LATE_BY: Duration = Duration::from_millis(50);
/// How long a test waits for a call.
const COMES_WITHIN: Duration = Duration::from_secs(10);

/// As in SQL, what has expired is not loaded and still in the way, and saving makes what is not
/// there. Clones share their records.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    rows: Mutex<HashMap<Id, Record>>,
    calls: AtomicUsize,
    /// Which of the next records get another id than they were asked for, the last of them first.
    other_ids: Mutex<Vec<bool>>,
    /// Whether creating looks first and writes later, as in PostgreSQL.
    unguarded: AtomicBool,
    fault: Mutex<Option<(Fault, Option<Id>)>>,
    /// Whether saving fails where there is nothing, as in Redis.
    strict: AtomicBool,
    clock_ahead: Mutex<Duration>,
    slow_save: Mutex<Option<Arc<Slow>>>,
    slow_load: Mutex<Option<(Id, Arc<Slow>)>>,
    slow_create: Mutex<Option<(Id, Arc<Slow>)>>,
}

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Fails,
    Hangs,
    Lags,
}

/// A call that came in and waits to be let through.
#[derive(Debug, Default)]
pub struct Slow {
    came: Notify,
    pub go: Notify,
}

impl Memory {
    pub fn rows(&self) -> MutexGuard<'_, HashMap<Id, Record>> {
        lock(&self.0.rows)
    }

    /// How many calls there were since it was last asked.
    pub fn calls(&self) -> usize {
        self.0.calls.swap(0, SeqCst)
    }

    /// Gives some of the next records another id than they were asked for.
    pub fn give_other_ids(&self, next: &[bool]) {
        *lock(&self.0.other_ids) = next.iter().rev().copied().collect();
    }

    pub fn create_unguarded(&self) {
        self.0.unguarded.store(true, SeqCst);
    }

    pub fn save_strictly(&self) {
        self.0.strict.store(true, SeqCst);
    }

    /// Sets its clock this far ahead.
    pub fn set_clock_ahead(&self, by: Duration) {
        *lock(&self.0.clock_ahead) = by;
    }

    /// What happens to every call from now on, or to those for one record.
    pub fn set_fault(&self, fault: Option<Fault>, only: Option<Id>) {
        *lock(&self.0.fault) = fault.map(|fault| (fault, only));
    }

    /// Holds the next call of `save`.
    pub fn hold_save(&self) -> Arc<Slow> {
        let slow = Arc::<Slow>::default();
        *lock(&self.0.slow_save) = Some(Arc::clone(&slow));
        slow
    }

    /// Holds the next call of `create` for this record, after it looked and before it writes.
    pub fn hold_create(&self, id: Id) -> Arc<Slow> {
        let slow = Arc::<Slow>::default();
        *lock(&self.0.slow_create) = Some((id, Arc::clone(&slow)));
        slow
    }

    /// Holds the next call of `load` for this record, before it looks and again before it answers.
    pub fn hold_load(&self, id: Id) -> Arc<Slow> {
        let slow = Arc::<Slow>::default();
        *lock(&self.0.slow_load) = Some((id, Arc::clone(&slow)));
        slow
    }

    async fn call(&self, id: Id) -> Result<()> {
        self.0.calls.fetch_add(1, SeqCst);
        yield_now().await;
        let fault = *lock(&self.0.fault);
        match fault.filter(|(_, only)| only.is_none_or(|only| only == id)) {
            None => Ok(()),
            Some((Fault::Fails, _)) => Err(Error::Backend("the disk is gone".into())),
            Some((Fault::Hangs, _)) => pending().await,
            Some((Fault::Lags, _)) => {
                sleep(LATE_BY).await;
                Ok(())
            }
        }
    }

    fn takes_other_id(&self) -> bool {
        lock(&self.0.other_ids).pop().unwrap_or_default()
    }
}

impl Slow {
    /// Waits for the call.
    pub async fn came(&self) {
        let came = timeout(COMES_WITHIN, self.came.notified()).await;
        came.expect("the store calls this");
    }

    async fn hold(&self) {
        self.came.notify_one();
        self.go.notified().await;
    }
}

type Call<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

impl SessionStore for Memory {
    fn create<'s, 'r, 'c>(&'s self, record: &'r mut Record) -> Call<'c, ()>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            self.call(record.id).await?;
            if self.takes_other_id() || self.rows().contains_key(&record.id) {
                record.id = Id::default();
            }
            let slow = lock(&self.0.slow_create).take_if(|(held, _)| *held == record.id);
            if let Some((_, slow)) = slow {
                slow.hold().await;
            }
            if self.0.unguarded.load(SeqCst) {
                yield_now().await;
            }
            self.rows().insert(record.id, record.clone());
            Ok(())
        })
    }

    fn save<'s, 'r, 'c>(&'s self, record: &'r Record) -> Call<'c, ()>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            self.call(record.id).await?;
            let slow = lock(&self.0.slow_save).take();
            if let Some(slow) = slow {
                slow.hold().await;
            }
            if self.0.strict.load(SeqCst) && !self.rows().contains_key(&record.id) {
                return Err(Error::Backend("Could not convert to bool.".into()));
            }
            self.rows().insert(record.id, record.clone());
            Ok(())
        })
    }

    fn load<'s, 'r, 'c>(&'s self, id: &'r Id) -> Call<'c, Option<Record>>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            self.call(*id).await?;
            let slow = lock(&self.0.slow_load).take_if(|(held, _)| held == id);
            if let Some((_, slow)) = &slow {
                slow.hold().await;
            }
            let row = self.rows().get(id).cloned();
            if let Some((_, slow)) = &slow {
                slow.hold().await;
            }
            let now = time::OffsetDateTime::now_utc() + *lock(&self.0.clock_ahead);
            Ok(row.filter(|row| row.expiry_date > now))
        })
    }

    fn delete<'s, 'r, 'c>(&'s self, id: &'r Id) -> Call<'c, ()>
    where
        's: 'c,
        'r: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            self.call(*id).await?;
            self.rows().remove(id);
            Ok(())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
