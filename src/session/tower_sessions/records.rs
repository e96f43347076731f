//! The store trait of tower-sessions, in each version that published stores are written for.

use serde_json::Value;
use time::OffsetDateTime;

use super::super::{SessionId, StoreError};
use crate::boxed::BoxFuture;

/// The name of our record among the data of its session.
const FIELD: &str = "telenor-auth";

pub(super) type Call<'c, T> = BoxFuture<'c, Result<T, StoreError>>;

/// A store of that family, written for any of its versions.
pub(super) trait Records: Send + Sync {
    /// Returns the id that the record has: another one than `id` when `id` was taken.
    fn create(&self, id: SessionId, data: String, until: OffsetDateTime) -> Call<'_, SessionId>;
    /// Replaces a record. Where it is missing, some stores create it, and one fails.
    fn save(&self, id: SessionId, data: String, until: OffsetDateTime) -> Call<'_, ()>;
    fn load(&self, id: SessionId) -> Call<'_, Option<String>>;
    fn delete(&self, id: SessionId) -> Call<'_, ()>;
}

/// The versions differ in their name only.
macro_rules! records {
    ($Core:ident of $core:ident) => {
        pub(super) struct $Core<Store>(pub(super) Store);

        impl<Store> $Core<Store> {
            fn id(id: SessionId) -> $core::session::Id {
                $core::session::Id(i128::from_le_bytes(id.to_bytes()))
            }

            fn record(
                id: SessionId,
                data: String,
                until: OffsetDateTime,
            ) -> $core::session::Record {
                $core::session::Record {
                    id: Self::id(id),
                    data: [(FIELD.to_owned(), Value::String(data))].into(),
                    expiry_date: until,
                }
            }
        }

        impl<Store: $core::SessionStore> Records for $Core<Store> {
            fn create(
                &self,
                id: SessionId,
                data: String,
                until: OffsetDateTime,
            ) -> Call<'_, SessionId> {
                Box::pin(async move {
                    let mut record = Self::record(id, data, until);
                    let created = self.0.create(&mut record).await;
                    created.map_err(StoreError::new)?;
                    Ok(SessionId(record.id.0.to_le_bytes()))
                })
            }

            fn save(&self, id: SessionId, data: String, until: OffsetDateTime) -> Call<'_, ()> {
                Box::pin(async move {
                    let record = Self::record(id, data, until);
                    self.0.save(&record).await.map_err(StoreError::new)
                })
            }

            fn load(&self, id: SessionId) -> Call<'_, Option<String>> {
                Box::pin(async move {
                    let loaded = self.0.load(&Self::id(id)).await;
                    let record = loaded.map_err(StoreError::new)?;
                    Ok(
                        match record.and_then(|mut record| record.data.remove(FIELD)) {
                            Some(Value::String(data)) => Some(data),
                            _ => None,
                        },
                    )
                })
            }

            fn delete(&self, id: SessionId) -> Call<'_, ()> {
                Box::pin(async move {
                    let deleted = self.0.delete(&Self::id(id)).await;
                    deleted.map_err(StoreError::new)
                })
            }
        }
    };
}

records!(Core014 of tower_sessions_core_014);
records!(Core015 of tower_sessions_core_015);
