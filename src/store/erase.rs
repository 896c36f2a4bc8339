//! Erasure: the values that the log kept of one contact.
//!
//! Its rows stay, with their ids, types, places and times, so that the stream, the totals and the recognition of duplicates are as
//! they were; only what the contact's events and changes said is emptied.

use deadpool_postgres::Pool;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    StoreError, audit,
    partitions::{self, Partition},
    tx::Tx,
};

/// Rows that one transaction empties, so that it stays under 100 ms.
const AT_ONCE: i64 = 1_000;

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

/// Empties the parameters and changes in all rows of the log about a contact, and answers how many held any. To be called once the
/// contact itself is deleted; what is received later is new data.
///
/// The audit says which datasource and which contact, by its own id: never the sender's, which may be an address.
///
/// # Errors
/// [`StoreError`] when the database refuses. What was emptied by then stays so, and is not in the audit: call again.
pub async fn values(pool: &Pool, subject: &Subject<'_>, actor: &str) -> Result<i64, StoreError> {
    let mut client = pool.get().await?;
    match in_session(&mut client, subject, actor).await {
        Err(error) if error.ends_connection() => {
            drop(deadpool_postgres::Object::take(client));
            Err(error)
        }
        done => done,
    }
}

/// As [`values`], on a connection of the caller's.
///
/// # Errors
/// As [`values`].
pub async fn in_session(client: &mut Client, subject: &Subject<'_>, actor: &str) -> Result<i64, StoreError> {
    let mut emptied = 0;
    for day in partitions::state(client).await? {
        if day.pages == 0 {
            continue;
        }
        loop {
            let some = empty_some(client, &day, subject).await?;
            emptied += some;
            if some < AT_ONCE {
                break;
            }
        }
    }
    let tx = Tx::begin(client, "contact_erase").await?;
    let contact =
        subject.contact_id.map_or_else(|| "a contact that was gone".to_owned(), |id| id.to_string());
    audit::write(
        &tx,
        actor,
        "contact.erase",
        &contact,
        &format!("{}, {emptied} rows", subject.datasource_uid),
    )
    .await?;
    tx.commit().await?;
    Ok(emptied)
}

async fn empty_some(client: &mut Client, day: &Partition, subject: &Subject<'_>) -> Result<i64, StoreError> {
    let tx = Tx::begin(client, "contact_erase_some").await?;
    // For the same reason as on readers' connections: see `connect.rs`.
    tx.execute("set local enable_seqscan = off", &[]).await?;
    let touched = tx
        .execute(sql!("erase_some"), &[&subject.datasource, &subject.user_id, &day.from, &day.to, &AT_ONCE])
        .await?;
    tx.commit().await?;
    Ok(i64::try_from(touched).unwrap_or(i64::MAX))
}
