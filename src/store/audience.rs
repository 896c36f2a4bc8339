//! The people of a project, whichever of its datasources knows them.
//!
//! Several datasources may hold the same person. The one with the lowest priority number speaks, then the older datasource;
//! within a datasource the contact that changed last, of the [`MOST`] that are looked at. Deleted datasources do not count.

use deadpool_postgres::Pool;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    StoreError,
    contacts::{ContactKey, ContactRecord},
    lease::Lease,
};

/// The most matches that are looked at in a datasource, and counted in all.
pub const MOST: i64 = 100;

/// A contact found in a project, and how many there are like it.
#[derive(Debug, Clone)]
pub struct Match {
    /// Which.
    pub key: ContactKey,
    /// What is stored of it.
    pub record: ContactRecord,
    /// How many contacts of the project match, this one included; [`MOST`] where there are more.
    pub matches: i64,
}

/// Finds the contact with this id of its own.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn by_id(pool: &Pool, project: i64, contact_id: Uuid) -> Result<Option<Match>, StoreError> {
    first(pool, sql!("audience_by_id"), &[&project, &contact_id]).await
}

/// Finds the contact that senders call `user_id`.
///
/// # Errors
/// As [`by_id`].
pub async fn by_user(pool: &Pool, project: i64, user_id: &str) -> Result<Option<Match>, StoreError> {
    first(pool, sql!("audience_by_user"), &[&project, &user_id, &MOST]).await
}

/// Finds a contact by e-mail address, spelled as [`crate::domain::contact::Contact::email`] gives it: all in lower case.
///
/// # Errors
/// As [`by_id`].
pub async fn by_email(pool: &Pool, project: i64, email: &str) -> Result<Option<Match>, StoreError> {
    first(pool, sql!("audience_by_email"), &[&project, &email, &MOST]).await
}

/// Finds a contact by telephone number, in E.164.
///
/// # Errors
/// As [`by_id`].
pub async fn by_phone(pool: &Pool, project: i64, phone: &str) -> Result<Option<Match>, StoreError> {
    first(pool, sql!("audience_by_phone"), &[&project, &phone, &MOST]).await
}

async fn first(
    pool: &Pool,
    sql: &'static str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Option<Match>, StoreError> {
    let row = Lease::of(pool).await?.first(sql, parameters).await?;
    Ok(row.as_ref().map(found))
}

fn found(row: &Row) -> Match {
    Match {
        key: ContactKey { datasource: row.get(0), user_id: row.get(1) },
        record: ContactRecord {
            contact_id: row.get(2),
            attributes: row.get(3),
            created_at: row.get(4),
            updated_at: row.get(5),
        },
        matches: row.get(6),
    }
}
