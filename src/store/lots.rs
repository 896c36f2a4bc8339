//! The tables of a commit beside the log: claims on event ids, and the lots that order it.

use bytes::BufMut;
use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    StoreError,
    lane::Statements,
    lease::Lease,
    log,
    wire::{self, Flight},
};

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

/// Fields of a claim, as `sql/claims_copy.sql` names them.
const FIELDS: i16 = 5;

/// Sends claims on ids that are taken for new. The answer is still to be awaited: a unique violation of table `event_key` means
/// that one of them is not. `wanted` must be sorted by key, or two lanes deadlock.
///
/// # Errors
/// As [`Flight::copy`].
pub fn claim_new(
    flight: &mut Flight<'_>,
    statements: &Statements,
    wanted: &[(ClaimKey, Content)],
    now: Timestamp,
) -> Result<(), StoreError> {
    flight.copy(&statements.claims_copy, |out| {
        out.reserve(wanted.len() * 80);
        for (key, content) in wanted {
            out.put_i16(FIELDS);
            log::big(key.datasource, out);
            log::text(key.claim.as_bytes(), out);
            log::text(content.hash.as_bytes(), out);
            match content.given_date {
                Some(date) => log::big(log::time(date), out),
                None => out.put_i32(-1),
            }
            log::big(log::time(now), out);
        }
    })
}

/// Claims ids for this transaction and answers which were won. `wanted` must be sorted by key, or two lanes deadlock.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn claim(
    flight: &mut Flight<'_>,
    statements: &Statements,
    wanted: &[(ClaimKey, Content)],
    now: Timestamp,
) -> Result<Vec<ClaimKey>, StoreError> {
    let datasources: Vec<i64> = wanted.iter().map(|(key, _)| key.datasource).collect();
    let claims: Vec<Uuid> = wanted.iter().map(|(key, _)| key.claim).collect();
    let hashes: Vec<Uuid> = wanted.iter().map(|(_, content)| content.hash).collect();
    let dates: Vec<Option<Timestamp>> = wanted.iter().map(|(_, content)| content.given_date).collect();
    flight.ask(&statements.claims_insert, &[&datasources, &claims, &hashes, &dates, &now])?;
    let rows = flight.rows(&statements.claims_insert).await?;
    rows.iter().map(|row| Ok(ClaimKey { datasource: row.get(0)?, claim: row.get(1)? })).collect()
}

/// Reads what stands behind claims that were lost.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn read_claims(
    flight: &mut Flight<'_>,
    statements: &Statements,
    lost: &[ClaimKey],
) -> Result<Vec<(ClaimKey, Content)>, StoreError> {
    let (datasources, claims) = split(lost);
    flight.ask(&statements.claims_read, &[&datasources, &claims])?;
    let rows = flight.rows(&statements.claims_read).await?;
    rows.iter()
        .map(|row| {
            Ok((
                ClaimKey { datasource: row.get(0)?, claim: row.get(1)? },
                Content { hash: row.get(2)?, given_date: row.get(3)? },
            ))
        })
        .collect()
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

/// Sends the order of a commit. The answer is still to be awaited, with [`position`].
///
/// # Errors
/// As [`Flight::ask`].
pub fn order(
    flight: &mut Flight<'_>,
    statements: &Statements,
    epoch: i32,
    lots: &[LotRow],
    now: Timestamp,
) -> Result<(), StoreError> {
    let big = |field: fn(&LotRow) -> i64| lots.iter().map(field).collect::<Vec<i64>>();
    let small = |field: fn(&LotRow) -> i32| lots.iter().map(field).collect::<Vec<i32>>();
    let values: [&(dyn ToSql + Sync); 11] = [
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
    flight.ask(&statements.lots_insert, &values)
}

/// Awaits the answer to [`order`]: the id of this transaction, which is the lot's position.
///
/// # Errors
/// As [`Flight::rows`].
pub async fn position(flight: &mut Flight<'_>, statements: &Statements) -> Result<i64, StoreError> {
    single(&flight.rows(&statements.lots_insert).await?)
}

/// Sends the question for a transaction id at or after everything visible now, the position of a lot that had nothing to write.
/// The answer is still to be awaited, with [`newest`].
///
/// # Errors
/// As [`Flight::ask`].
pub fn ask_newest(flight: &mut Flight<'_>, statements: &Statements) -> Result<(), StoreError> {
    flight.ask(&statements.snapshot_newest, &[])
}

/// Awaits the answer to [`ask_newest`].
///
/// # Errors
/// As [`Flight::rows`].
pub async fn newest(flight: &mut Flight<'_>, statements: &Statements) -> Result<i64, StoreError> {
    single(&flight.rows(&statements.snapshot_newest).await?)
}

fn single(rows: &[wire::Row]) -> Result<i64, StoreError> {
    rows.first().ok_or_else(|| StoreError::Content("a statement gave no row".into()))?.get(0)
}
