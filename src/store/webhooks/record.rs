//! What became of the messages of an endpoint: the attempts, those that were given up, and what somebody wants once more.

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{Client, types::ToSql};
use uuid::Uuid;

use super::{NotDone, columns, locked, position};
use crate::{
    domain::cursor::Cursor,
    store::{
        StoreError,
        audit::{self, Actor},
        lease::Lease,
        tx::Tx,
    },
};

/// Attempts that are kept of an endpoint.
pub const ATTEMPTS: i64 = 1_000;

/// Dead letters that are kept of an endpoint.
pub const DEAD_LETTERS: i64 = 10_000;

/// How long an attempt is kept.
const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Rows that one statement forgets, so that it stays well under 100 ms.
const AT_ONCE: i64 = 5_000;

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The id of the message.
    pub message: String,
    /// The type of the item.
    pub kind: String,
    /// Which one it was, from 1.
    pub attempt: i32,
    /// The status that was answered.
    pub status: Option<i32>,
    /// Milliseconds until then, or until it failed.
    pub latency_ms: i32,
    /// What was wrong.
    pub error: Option<String>,
}

/// An attempt as it was written down, with its row; later ones have larger numbers.
pub type Logged = (i64, Attempt);

/// Writes down attempts, in their order.
///
/// # Errors
/// As [`Tx::query`].
pub async fn log(tx: &Tx<'_>, id: Uuid, attempts: &[Attempt]) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let times: Vec<Timestamp> = attempts.iter().map(|one| one.at).collect();
    let messages: Vec<&str> = attempts.iter().map(|one| one.message.as_str()).collect();
    let kinds: Vec<&str> = attempts.iter().map(|one| one.kind.as_str()).collect();
    let numbers: Vec<i32> = attempts.iter().map(|one| one.attempt).collect();
    let statuses: Vec<Option<i32>> = attempts.iter().map(|one| one.status).collect();
    let latencies: Vec<i32> = attempts.iter().map(|one| one.latency_ms).collect();
    let errors: Vec<Option<&str>> = attempts.iter().map(|one| one.error.as_deref()).collect();
    tx.execute(
        sql!("webhook_log"),
        &[&id, &times, &messages, &kinds, &numbers, &statuses, &latencies, &errors],
    )
    .await?;
    Ok(())
}

/// Writes down one attempt by itself; of an endpoint that is gone, nothing.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn log_one(client: &mut Client, id: Uuid, attempt: &Attempt) -> Result<(), StoreError> {
    let tx = Tx::begin(client, "webhook_log").await?;
    if tx.query(sql!("webhook_known"), &[&id]).await?.first().is_some_and(|row| row.get(0)) {
        log(&tx, id, std::slice::from_ref(attempt)).await?;
    }
    tx.commit().await
}

/// Lists attempts, the latest first: those before the row `before`, and no more than `limit`.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn deliveries(
    client: &Client,
    id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Logged>, StoreError> {
    let rows = client.query(sql!("webhook_deliveries"), &[&id, &before, &limit]).await?;
    let attempt = |row: &tokio_postgres::Row| Attempt {
        at: row.get(1),
        message: row.get(2),
        kind: row.get(3),
        attempt: row.get(4),
        status: row.get(5),
        latency_ms: row.get(6),
        error: row.get(7),
    };
    Ok(rows.iter().map(|row| (row.get(0), attempt(row))).collect())
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Row; later ones have larger numbers.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Its place in the stream.
    pub cursor: Cursor,
    /// The type of the item.
    pub kind: String,
    /// How often it was sent.
    pub attempts: i32,
    /// The last answer.
    pub status: Option<i32>,
    /// What was wrong.
    pub error: Option<String>,
}

/// Lists dead letters, the latest first: those before the row `before`, and no more than `limit`.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn dead_letters(
    client: &Client,
    id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<DeadLetter>, StoreError> {
    let rows = client.query(sql!("webhook_dead_letters"), &[&id, &before, &limit]).await?;
    Ok(rows
        .iter()
        .map(|row| DeadLetter {
            id: row.get(0),
            at: row.get(1),
            cursor: position(row, 2),
            kind: row.get(5),
            attempts: row.get(6),
            status: row.get(7),
            error: row.get(8),
        })
        .collect())
}

/// Moves an endpoint of a project to a position: everything behind it is delivered, again or for the first time.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn rewind(
    client: &mut Client,
    (project, id): (&str, Uuid),
    to: Cursor,
    actor: Actor<'_>,
) -> Result<Result<(), NotDone>, StoreError> {
    let tx = Tx::begin(client, "webhook_rewind").await?;
    if locked(&tx, project, id).await?.is_none() {
        return Ok(Err(NotDone::Absent));
    }
    let (epoch, xid, item) = columns(to);
    for statement in [sql!("webhook_rewind"), sql!("webhook_rewind_pending"), sql!("webhook_rewind_dead")] {
        tx.execute(statement, &[&id, &epoch, &xid, &item]).await?;
    }
    audit::write(&tx, actor, "webhook.replay", &id.to_string(), &format!("after {}", to.encode())).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Lets one message be sent again now, whatever became of it.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn again(
    client: &mut Client,
    (project, id): (&str, Uuid),
    (cursor, received_at): (Cursor, Timestamp),
    now: Timestamp,
    actor: Actor<'_>,
) -> Result<Result<(), NotDone>, StoreError> {
    let tx = Tx::begin(client, "webhook_again").await?;
    if locked(&tx, project, id).await?.is_none() {
        return Ok(Err(NotDone::Absent));
    }
    let (epoch, xid, item) = columns(cursor);
    tx.execute(sql!("webhook_again"), &[&id, &epoch, &xid, &item, &now, &received_at]).await?;
    tx.execute(sql!("webhook_bump"), &[&id]).await?;
    audit::write(&tx, actor, "webhook.replay", &id.to_string(), &format!("message {}", cursor.encode()))
        .await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Forgets attempts that are older than they are kept.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn expire(pool: &Pool, now: Timestamp) -> Result<(), StoreError> {
    let before = now.saturating_sub(WEEK).unwrap_or(now);
    forget(&mut Lease::of(pool).await?, sql!("webhook_log_expire"), &[&before, &AT_ONCE]).await
}

/// Forgets the oldest attempts and dead letters of an endpoint beyond as many as are kept.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn trim(pool: &Pool, id: Uuid) -> Result<(), StoreError> {
    let mut lease = Lease::of(pool).await?;
    forget(&mut lease, sql!("webhook_log_trim"), &[&id, &ATTEMPTS, &AT_ONCE]).await?;
    forget(&mut lease, sql!("webhook_dead_trim"), &[&id, &DEAD_LETTERS, &AT_ONCE]).await
}

/// Repeats a statement that forgets [`AT_ONCE`] rows at the most, until it finds fewer.
async fn forget(
    lease: &mut Lease,
    statement: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<(), StoreError> {
    while lease.one(statement, values).await?.get::<_, i64>(0) >= AT_ONCE {}
    Ok(())
}
