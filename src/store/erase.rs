//! Erasure: the values that the log kept of one contact.
//!
//! Its rows stay, with their ids, types, places and times, so that the stream, the totals and the recognition of duplicates are as
//! they were; only what the contact's events and changes said is emptied.

use deadpool_postgres::{Object, Pool};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    StoreError,
    audit::{self, Actor},
    partitions::{self, Partition},
    tx::Tx,
};

/// Rows that one transaction empties, so that it stays under 100 ms.
const AT_ONCE: usize = 1_000;

/// Places of rows that one search answers, a few megabytes.
const FOUND: usize = 100_000;

/// Whose values are to go.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Row of the datasource.
    pub datasource: i64,
    /// Public name of the datasource, for the audit.
    pub datasource_uid: &'a str,
    /// The sender's id of the contact.
    pub user_id: &'a str,
    /// The contact's own id, for the audit; none where it was gone before.
    pub contact_id: Option<Uuid>,
}

/// A connection of a pool that goes back only when it is given back: one that was given up in the middle may hold the lock of a
/// contact, and is closed.
struct Borrowed(Option<Object>);

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// Empties the parameters and changes in all rows of the log about a contact, and answers how many held any. To be called once the
/// contact itself is deleted; what is received later is new data. Another erasure of the same contact is waited for, up to the
/// connection's `lock_timeout`.
///
/// The audit says which datasource and which contact, by its own id: never the sender's, which may be an address.
///
/// # Errors
/// [`StoreError`] when the database refuses. What was emptied by then stays so, and is not in the audit: call again.
pub async fn values(pool: &Pool, subject: &Subject<'_>, actor: Actor<'_>) -> Result<i64, StoreError> {
    let mut borrowed = Borrowed(Some(pool.get().await?));
    let mut emptied = 0;
    if let Some(client) = borrowed.0.as_mut() {
        emptied = in_session(client, subject, actor).await?;
    }
    // Back to the pool, without its lock.
    drop(borrowed.0.take());
    Ok(emptied)
}

/// As [`values`], on a connection of the caller's.
///
/// # Errors
/// As [`values`]. The connection may still hold the lock of the contact then: close it.
pub async fn in_session(
    client: &mut Client,
    subject: &Subject<'_>,
    actor: Actor<'_>,
) -> Result<i64, StoreError> {
    client.execute(sql!("erase_lock"), &[&subject.datasource, &subject.user_id]).await?;
    let mut emptied = 0;
    for day in partitions::state(client).await? {
        if day.pages > 0 {
            emptied += empty_day(client, &day, subject).await?;
        }
    }
    let tx = Tx::begin(client, "contact_erase").await?;
    let contact =
        subject.contact_id.map_or_else(|| "a contact that was gone".to_owned(), |id| format!("contact {id}"));
    let note = format!("{contact}, {emptied} rows");
    audit::write(&tx, actor, "contact.erase", subject.datasource_uid, &note).await?;
    tx.commit().await?;
    client.execute(sql!("erase_unlock"), &[&subject.datasource, &subject.user_id]).await?;
    Ok(emptied)
}

/// Empties the rows of one day. It is over only when one search found all that held anything, and all of that was emptied here.
///
/// Searching once and then going from place to place reads a day once for every 100 000 rows, and not for every transaction. Places
/// are good for that: nobody but an erasure writes a row again, so one that holds anything stays where it is. Where that was not so
/// (another session emptied it, a purge took it, `VACUUM FULL` moved it), fewer rows are emptied than were found, and the day is
/// searched again. A contact that goes on sending does not keep the erasure going, for what came after the search is new.
async fn empty_day(client: &mut Client, day: &Partition, subject: &Subject<'_>) -> Result<i64, StoreError> {
    let mut emptied = 0;
    loop {
        let places = find(client, day, subject).await?;
        let mut here = 0;
        for some in places.chunks(AT_ONCE) {
            here += empty(client, day, subject, some).await?;
        }
        emptied += i64::try_from(here).unwrap_or(i64::MAX);
        if places.len() < FOUND && u64::try_from(places.len()).is_ok_and(|found| found == here) {
            return Ok(emptied);
        }
    }
}

async fn find(
    client: &mut Client,
    day: &Partition,
    subject: &Subject<'_>,
) -> Result<Vec<String>, StoreError> {
    let most = i64::try_from(FOUND).unwrap_or(i64::MAX);
    let tx = Tx::begin(client, "contact_erase_find").await?;
    // For the same reason as on readers' connections: see `connect.rs`.
    tx.execute("set local enable_seqscan = off", &[]).await?;
    let rows = tx
        .query(sql!("erase_find"), &[&subject.datasource, &subject.user_id, &day.from, &day.to, &most])
        .await?;
    tx.commit().await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Empties what still holds anything at these places; somebody else's may stand there by now.
async fn empty(
    client: &mut Client,
    day: &Partition,
    subject: &Subject<'_>,
    places: &[String],
) -> Result<u64, StoreError> {
    let tx = Tx::begin(client, "contact_erase_some").await?;
    tx.execute("set local enable_seqscan = off", &[]).await?;
    let touched = tx
        .execute(sql!("erase_some"), &[&subject.datasource, &subject.user_id, &day.from, &day.to, &places])
        .await?;
    tx.commit().await?;
    Ok(touched)
}
