//! Contacts as they are stored: read, lock, insert, update, delete, each for many at once.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    StoreError,
    lane::Statements,
    lease::Lease,
    wire::{self, Flight},
};

/// Which contact.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactKey {
    /// Row of the datasource.
    pub datasource: i64,
    /// The sender's id of the contact.
    pub user_id: String,
}

/// A contact as a lot meets it.
#[derive(Debug, Clone)]
pub struct StoredContact {
    /// Which.
    pub key: ContactKey,
    /// Its own id.
    pub contact_id: Uuid,
    /// Its attributes, a JSON object.
    pub attributes: String,
}

/// A contact as a lot leaves it.
#[derive(Debug, Clone)]
pub struct ContactRow {
    /// Which.
    pub key: ContactKey,
    /// Row of the project.
    pub project: i64,
    /// Its own id; kept from the stored row by an update.
    pub contact_id: Uuid,
    /// Its attributes, a JSON object.
    pub attributes: String,
    /// Normalised e-mail address, for search.
    pub email: Option<String>,
    /// E.164 number, for search.
    pub phone: Option<String>,
}

fn split(keys: &[&ContactKey]) -> (Vec<i64>, Vec<String>) {
    keys.iter().map(|key| (key.datasource, key.user_id.clone())).unzip()
}

fn stored(row: &Row) -> StoredContact {
    StoredContact {
        key: ContactKey { datasource: row.get(0), user_id: row.get(1) },
        contact_id: row.get(2),
        attributes: row.get(3),
    }
}

fn met(row: &wire::Row) -> Result<StoredContact, StoreError> {
    Ok(StoredContact {
        key: ContactKey { datasource: row.get(0)?, user_id: row.get(1)? },
        contact_id: row.get(2)?,
        attributes: row.get(3)?,
    })
}

/// Reads contacts without a lock.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn read(
    flight: &mut Flight<'_>,
    statements: &Statements,
    keys: &[&ContactKey],
) -> Result<Vec<StoredContact>, StoreError> {
    let (datasources, users) = split(keys);
    flight.ask(&statements.contacts_read, &[&datasources, &users])?;
    flight.rows(&statements.contacts_read).await?.iter().map(met).collect()
}

/// Reads contacts outside a lot, for a dry run.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn peek(pool: &Pool, keys: &[&ContactKey]) -> Result<Vec<StoredContact>, StoreError> {
    let (datasources, users) = split(keys);
    let rows = Lease::of(pool).await?.query(sql!("contacts_read"), &[&datasources, &users]).await?;
    Ok(rows.iter().map(stored).collect())
}

/// Reads contacts and locks them in key order until the transaction ends.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn lock(
    flight: &mut Flight<'_>,
    statements: &Statements,
    keys: &[&ContactKey],
) -> Result<Vec<StoredContact>, StoreError> {
    let (datasources, users) = split(keys);
    flight.ask(&statements.contacts_lock, &[&datasources, &users])?;
    flight.rows(&statements.contacts_lock).await?.iter().map(met).collect()
}

/// Inserts contacts and answers the keys that were new; the others exist by now. `rows` must be sorted by key.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn insert(
    flight: &mut Flight<'_>,
    statements: &Statements,
    rows: &[ContactRow],
    now: Timestamp,
) -> Result<Vec<ContactKey>, StoreError> {
    let datasources: Vec<i64> = rows.iter().map(|row| row.key.datasource).collect();
    let users: Vec<&str> = rows.iter().map(|row| row.key.user_id.as_str()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.contact_id).collect();
    let projects: Vec<i64> = rows.iter().map(|row| row.project).collect();
    let attributes: Vec<&str> = rows.iter().map(|row| row.attributes.as_str()).collect();
    let emails: Vec<Option<&str>> = rows.iter().map(|row| row.email.as_deref()).collect();
    let phones: Vec<Option<&str>> = rows.iter().map(|row| row.phone.as_deref()).collect();
    let values: [&(dyn ToSql + Sync); 8] =
        [&datasources, &users, &ids, &projects, &attributes, &emails, &phones, &now];
    flight.ask(&statements.contacts_insert, &values)?;
    let rows = flight.rows(&statements.contacts_insert).await?;
    rows.iter().map(|row| Ok(ContactKey { datasource: row.get(0)?, user_id: row.get(1)? })).collect()
}

/// Replaces the attributes of contacts that this transaction has locked.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn update(
    flight: &mut Flight<'_>,
    statements: &Statements,
    rows: &[ContactRow],
    now: Timestamp,
) -> Result<(), StoreError> {
    let datasources: Vec<i64> = rows.iter().map(|row| row.key.datasource).collect();
    let users: Vec<&str> = rows.iter().map(|row| row.key.user_id.as_str()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.contact_id).collect();
    let attributes: Vec<&str> = rows.iter().map(|row| row.attributes.as_str()).collect();
    let emails: Vec<Option<&str>> = rows.iter().map(|row| row.email.as_deref()).collect();
    let phones: Vec<Option<&str>> = rows.iter().map(|row| row.phone.as_deref()).collect();
    let values: [&(dyn ToSql + Sync); 7] = [&datasources, &users, &ids, &attributes, &emails, &phones, &now];
    flight.ask(&statements.contacts_update, &values)?;
    flight.done().await
}

/// Deletes contacts that this transaction has locked.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn delete(
    flight: &mut Flight<'_>,
    statements: &Statements,
    keys: &[&ContactKey],
) -> Result<(), StoreError> {
    let (datasources, users) = split(keys);
    flight.ask(&statements.contacts_delete, &[&datasources, &users])?;
    flight.done().await
}

/// A contact for a reader.
#[derive(Debug, Clone)]
pub struct ContactRecord {
    /// Its own id.
    pub contact_id: Uuid,
    /// Its attributes, a JSON object.
    pub attributes: String,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Reads one contact; `None` when there is none.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn get(pool: &Pool, datasource: i64, user_id: &str) -> Result<Option<ContactRecord>, StoreError> {
    let row = Lease::of(pool).await?.first(sql!("contact_get"), &[&datasource, &user_id]).await?;
    Ok(row.map(|row| ContactRecord {
        contact_id: row.get(0),
        attributes: row.get(1),
        created_at: row.get(2),
        updated_at: row.get(3),
    }))
}
