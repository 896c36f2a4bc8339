//! The tables of a commit: claims on event ids, the log, and the lots that order it.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{StoreError, lane::Statements, lease::Lease, tx::Tx};

/// A claim on an event id of a datasource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClaimKey {
    /// Row of the datasource.
    pub datasource: i64,
    /// 128 bits of the hash of datasource and event id.
    pub claim: Uuid,
}

/// What a claim stands for: enough to tell a retry from a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// 128 bits of the hash of the normalised content, the date left out.
    pub hash: Uuid,
    /// The event's date, where the sender gave one.
    pub given_date: Option<Timestamp>,
}

/// Claims ids for this transaction and answers which were won. `wanted` must be sorted by key, or two lanes deadlock.
///
/// # Errors
/// As [`Tx::query`].
pub async fn claim(
    tx: &Tx<'_>,
    statements: &Statements,
    wanted: &[(ClaimKey, Content)],
    now: Timestamp,
) -> Result<Vec<ClaimKey>, StoreError> {
    let datasources: Vec<i64> = wanted.iter().map(|(key, _)| key.datasource).collect();
    let claims: Vec<Uuid> = wanted.iter().map(|(key, _)| key.claim).collect();
    let hashes: Vec<Uuid> = wanted.iter().map(|(_, content)| content.hash).collect();
    let dates: Vec<Option<Timestamp>> = wanted.iter().map(|(_, content)| content.given_date).collect();
    let rows = tx.query(&statements.claims_insert, &[&datasources, &claims, &hashes, &dates, &now]).await?;
    Ok(rows.iter().map(|row| ClaimKey { datasource: row.get(0), claim: row.get(1) }).collect())
}

/// Reads what stands behind claims that were lost.
///
/// # Errors
/// As [`Tx::query`].
pub async fn read_claims(
    tx: &Tx<'_>,
    statements: &Statements,
    lost: &[ClaimKey],
) -> Result<Vec<(ClaimKey, Content)>, StoreError> {
    let (datasources, claims) = split(lost);
    let rows = tx.query(&statements.claims_read, &[&datasources, &claims]).await?;
    Ok(rows.iter().map(claim_of).collect())
}

/// Reads claims outside a lot, for a dry run.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn peek_claims(pool: &Pool, wanted: &[ClaimKey]) -> Result<Vec<(ClaimKey, Content)>, StoreError> {
    let (datasources, claims) = split(wanted);
    let rows = Lease::of(pool).await?.query(sql!("claims_read"), &[&datasources, &claims]).await?;
    Ok(rows.iter().map(claim_of).collect())
}

fn split(keys: &[ClaimKey]) -> (Vec<i64>, Vec<Uuid>) {
    keys.iter().map(|key| (key.datasource, key.claim)).unzip()
}

fn claim_of(row: &Row) -> (ClaimKey, Content) {
    (
        ClaimKey { datasource: row.get(0), claim: row.get(1) },
        Content { hash: row.get(2), given_date: row.get(3) },
    )
}

/// What a row of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event that a client sent.
    Event,
    /// A change of a contact.
    Contact,
}

/// A row of the log, all but what its lot gives it: the id and the time of receipt.
#[derive(Debug, Clone)]
pub struct LogRow<'a> {
    /// Row of the project.
    pub project: i64,
    /// Row of the datasource.
    pub datasource: i64,
    /// When it happened, by the sender's word.
    pub occurred_at: Timestamp,
    /// Event or change of a contact.
    pub kind: Kind,
    /// The event type, or `contact.created` and its like.
    pub event_type: &'a str,
    /// The contact.
    pub user_id: &'a str,
    /// The sender's id of the event; a change of a contact has none.
    pub event_id: Option<&'a str>,
    /// A JSON object: the parameters, or the fields that changed.
    pub parameters: std::borrow::Cow<'a, str>,
}

/// Appends rows to the log under the ids from `first_id` on.
///
/// # Errors
/// As [`Tx::query`]; a check violation of table `event` means that a partition is missing.
pub async fn append(
    tx: &Tx<'_>,
    statements: &Statements,
    first_id: i64,
    rows: &[LogRow<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let ids: Vec<i64> = (first_id..).take(rows.len()).collect();
    let projects: Vec<i64> = rows.iter().map(|row| row.project).collect();
    let datasources: Vec<i64> = rows.iter().map(|row| row.datasource).collect();
    let occurred: Vec<Timestamp> = rows.iter().map(|row| row.occurred_at).collect();
    let kinds: Vec<i8> =
        rows.iter().map(|row| if row.kind == Kind::Event { b'e' as i8 } else { b'c' as i8 }).collect();
    let types: Vec<&str> = rows.iter().map(|row| row.event_type).collect();
    let users: Vec<&str> = rows.iter().map(|row| row.user_id).collect();
    let event_ids: Vec<Option<&str>> = rows.iter().map(|row| row.event_id).collect();
    let parameters: Vec<&str> = rows.iter().map(|row| row.parameters.as_ref()).collect();
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
        [&ids, &projects, &datasources, &occurred, &kinds, &types, &users, &event_ids, &now, &parameters];
    tx.execute(&statements.events_insert, &values).await?;
    Ok(())
}

/// One row of the order: what a commit stored for one datasource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotRow {
    /// Row of the project.
    pub project: i64,
    /// Row of the datasource.
    pub datasource: i64,
    /// First id of its rows in the log.
    pub first_id: i64,
    /// Last id of its rows in the log.
    pub last_id: i64,
    /// How many of them are events.
    pub events: i32,
    /// How many of them are changes of contacts.
    pub contacts: i32,
    /// Contacts made less contacts deleted.
    pub contacts_net: i32,
    /// Sum modulo 2⁶⁴ of the first 8 bytes of SHA-256 of each event id.
    pub id_sum: u64,
    /// The same sum over the user ids of the changes of contacts, one term for each change.
    pub contact_sum: u64,
}

/// Writes the order of a commit.
///
/// # Errors
/// As [`Tx::query`].
pub async fn order(
    tx: &Tx<'_>,
    statements: &Statements,
    epoch: i32,
    lots: &[LotRow],
    now: Timestamp,
) -> Result<(), StoreError> {
    let big = |field: fn(&LotRow) -> i64| lots.iter().map(field).collect::<Vec<i64>>();
    let small = |field: fn(&LotRow) -> i32| lots.iter().map(field).collect::<Vec<i32>>();
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 11] = [
        &big(|lot| lot.project),
        &big(|lot| lot.first_id),
        &big(|lot| lot.last_id),
        &big(|lot| lot.datasource),
        &small(|lot| lot.events),
        &small(|lot| lot.contacts),
        &small(|lot| lot.contacts_net),
        &big(|lot| lot.id_sum.cast_signed()),
        &big(|lot| lot.contact_sum.cast_signed()),
        &epoch,
        &now,
    ];
    tx.execute(&statements.lots_insert, &values).await?;
    Ok(())
}

/// The id of this transaction, which tells its fate should the connection die under `COMMIT`.
///
/// # Errors
/// As [`Tx::query`].
pub async fn xid(tx: &Tx<'_>, statements: &Statements) -> Result<i64, StoreError> {
    single(tx.query(&statements.begun, &[]).await?)
}

/// A transaction id at or after everything visible now; the position of a lot that had nothing to write.
///
/// # Errors
/// As [`Tx::query`].
pub async fn newest_visible(tx: &Tx<'_>, statements: &Statements) -> Result<i64, StoreError> {
    single(tx.query(&statements.snapshot_newest, &[]).await?)
}

fn single(rows: Vec<Row>) -> Result<i64, StoreError> {
    rows.first().map(|row| row.get(0)).ok_or_else(|| StoreError::Content("a statement gave no row".into()))
}
