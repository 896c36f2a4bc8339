//! Requests that may be sent again without being done twice: the first answer is kept in the transaction that does what was asked.

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{StoreError, lease::Lease, tx::Tx};

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A request that its sender may repeat.
#[derive(Debug, Clone)]
pub struct Repeatable {
    /// Row of the key that it came with; others do not see its tokens.
    pub key: Uuid,
    /// What the sender calls it: printable ASCII.
    pub token: String,
    /// SHA-256 over what is asked for.
    pub fingerprint: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// What came of a request that may be a repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<R> {
    /// It was done now.
    Done(Kept),
    /// It was done before, and this was the answer.
    Repeated(Kept),
    /// It is being done at this moment, by another request.
    InFlight,
    /// Something else was asked for under this token.
    Mismatch,
    /// It was not done, and leaves nothing behind.
    Refused(R),
}

/// Does `work` in a transaction of this name, unless it was done before, and keeps its answer in the same one. What is not
/// repeatable is done each time.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn once<R>(
    client: &mut Client,
    name: &'static str,
    repeatable: Option<&Repeatable>,
    work: impl AsyncFnOnce(&Tx<'_>) -> Result<Result<Kept, R>, StoreError>,
) -> Result<Outcome<R>, StoreError> {
    let tx = Tx::begin(client, name).await?;
    if let Some(request) = repeatable
        && let Some(known) = known(&tx, request).await?
    {
        return Ok(known);
    }
    let kept = match work(&tx).await? {
        Ok(kept) => kept,
        Err(why) => return Ok(Outcome::Refused(why)),
    };
    if let Some(request) = repeatable {
        keep(&tx, request, &kept).await?;
    }
    tx.commit().await?;
    Ok(Outcome::Done(kept))
}

/// What is known of the request; `None` for one that is new, and then whoever repeats it meanwhile is told that it is in flight.
async fn known<R>(tx: &Tx<'_>, request: &Repeatable) -> Result<Option<Outcome<R>>, StoreError> {
    let rows = tx.query(sql!("idempotency_lock"), &[&request.key, &request.token]).await?;
    if !rows.first().is_some_and(|row| row.get(0)) {
        return Ok(Some(Outcome::InFlight));
    }
    // In a statement of its own: its snapshot is younger than the lock, so it sees what the lock's last holder has committed.
    let rows = tx.query(sql!("idempotency_read"), &[&request.key, &request.token]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.get::<_, &[u8]>(0) != request.fingerprint {
        return Ok(Some(Outcome::Mismatch));
    }
    let status = u16::try_from(row.get::<_, i32>(1))
        .map_err(|_| StoreError::Content("a kept status is no HTTP status".into()))?;
    Ok(Some(Outcome::Repeated(Kept { status, body: row.get(2) })))
}

async fn keep(tx: &Tx<'_>, request: &Repeatable, kept: &Kept) -> Result<(), StoreError> {
    let fingerprint: &[u8] = &request.fingerprint;
    let status = i32::from(kept.status);
    tx.execute(
        sql!("idempotency_keep"),
        &[&request.key, &request.token, &fingerprint, &status, &kept.body, &request.at],
    )
    .await?;
    Ok(())
}

/// Forgets answers that were kept for a day.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn expire(pool: &Pool, now: Timestamp) -> Result<(), StoreError> {
    let oldest = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    Lease::of(pool).await?.query(sql!("idempotency_expire"), &[&oldest]).await?;
    Ok(())
}
