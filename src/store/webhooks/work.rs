//! Delivering, as the database sees it: which node delivers to which endpoint, how far it is, and what waits.
//!
//! A node holds an endpoint as long as it says so again before its time is up. Whatever it writes down is written only while it does and
//! while nobody moved the endpoint by hand; so a node that was thought dead moves nothing any more.

use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{columns, position, record};
use crate::{
    domain::cursor::Cursor,
    store::{StoreError, lease::Lease, tx::Tx},
};

/// Says that a node delivers, and answers how many endpoints are for it, where all nodes that do take as many.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn share(pool: &Pool, node: Uuid, hold: Duration) -> Result<usize, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let row = lease.one(sql!("webhook_share"), &[&node, &hold.as_secs_f64()]).await?;
    if row.get(1) {
        lease.query(sql!("webhook_present"), &[&node, &hold.as_secs_f64()]).await?;
    }
    Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// Says that a node delivers no more, so that the others share what it had.
///
/// # Errors
/// [`StoreError`] when the database refuses; it is believed until its time is up.
pub async fn leave(pool: &Pool, node: Uuid) -> Result<(), StoreError> {
    Lease::of(pool).await?.query(sql!("webhook_absent"), &[&node]).await?;
    Ok(())
}

/// Takes endpoints that nobody delivers to, no more than `most`.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn claim(pool: &Pool, node: Uuid, hold: Duration, most: i64) -> Result<(), StoreError> {
    let mut lease = Lease::of(pool).await?;
    if lease.one(sql!("webhook_claimable"), &[]).await?.get(0) {
        lease.query(sql!("webhook_claim"), &[&node, &hold.as_secs_f64(), &most]).await?;
    }
    Ok(())
}

/// Holds on to what a node delivers to, and answers what that is, with the generation of each.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn held(pool: &Pool, node: Uuid, hold: Duration) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let mut lease = Lease::of(pool).await?;
    lease.query(sql!("webhook_renew"), &[&node, &hold.as_secs_f64()]).await?;
    let rows = lease.query(sql!("webhook_held"), &[&node]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Lets other nodes deliver to an endpoint.
///
/// # Errors
/// [`StoreError`] when the database refuses; it is free when its time is up.
pub async fn release(pool: &Pool, node: Uuid, id: Uuid) -> Result<(), StoreError> {
    Lease::of(pool).await?.query(sql!("webhook_release"), &[&id, &node]).await?;
    Ok(())
}

/// An endpoint that a node delivers to.
#[derive(Debug, Clone)]
pub struct Work {
    /// Row.
    pub id: Uuid,
    /// The node.
    pub node: Uuid,
    /// Rises with every change.
    pub generation: i64,
    /// Rises when the position is moved by hand.
    pub course: i64,
    /// Row of the project.
    pub project: i64,
    /// Where messages go.
    pub url: String,
    /// Which types of item, as patterns.
    pub types: Vec<String>,
    /// Rows of the datasources; `None` for all.
    pub datasources: Option<Vec<i64>>,
    /// The most messages under way at once.
    pub parallel: usize,
    /// Whether contacts are shown whole.
    pub whole: bool,
    /// The secret, encrypted.
    pub sealed: Vec<u8>,
    /// The one before it, with the time at which it ends.
    pub before: Option<(Vec<u8>, Timestamp)>,
    /// How far it is.
    pub position: Cursor,
    /// Attempts that failed since one succeeded.
    pub failures: i32,
    /// What waits, in the order of the stream.
    pub pending: Vec<Pending>,
}

/// A message that is to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Its place in the stream.
    pub cursor: Cursor,
    /// How often it was sent.
    pub attempts: i32,
    /// When it is sent again.
    pub next_at: Timestamp,
    /// When it came in.
    pub received_at: Timestamp,
    /// Whether somebody asked for it, so that nothing waits for it.
    pub by_hand: bool,
}

/// All that is needed to deliver to an endpoint; `None` where that is not this node's.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn open(pool: &Pool, node: Uuid, id: Uuid) -> Result<Option<Work>, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let Some(row) = lease.first(sql!("webhook_open"), &[&id, &node]).await? else { return Ok(None) };
    let pending = lease.query(sql!("webhook_pending_list"), &[&id]).await?;
    let before: Option<Vec<u8>> = row.get(7);
    Ok(Some(Work {
        id,
        node,
        project: row.get(0),
        url: row.get(1),
        types: row.get(2),
        datasources: row.get(3),
        parallel: usize::try_from(row.get::<_, i32>(4)).unwrap_or(1),
        whole: row.get(5),
        sealed: row.get(6),
        before: before.zip(row.get::<_, Option<Timestamp>>(8)),
        position: position(&row, 9),
        failures: row.get(12),
        generation: row.get(13),
        course: row.get(14),
        pending: pending
            .iter()
            .map(|row| Pending {
                cursor: position(row, 0),
                attempts: row.get(3),
                next_at: row.get(4),
                received_at: row.get(5),
                by_hand: row.get(6),
            })
            .collect(),
    }))
}

/// A message that is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Its place in the stream.
    pub cursor: Cursor,
    /// When.
    pub at: Timestamp,
    /// The type of the item.
    pub kind: String,
    /// How often it was sent.
    pub attempts: i32,
    /// The last answer.
    pub status: Option<i32>,
    /// What was wrong.
    pub error: Option<String>,
}

/// What happened since the last time it was written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Attempts.
    pub attempts: Vec<record::Attempt>,
    /// Messages that are to be sent again.
    pub waiting: Vec<Pending>,
    /// Messages that wait no more.
    pub settled: Vec<Cursor>,
    /// Messages that are given up.
    pub buried: Vec<Buried>,
    /// Dead letters that were delivered after all.
    pub exhumed: Vec<Cursor>,
    /// When an attempt last succeeded.
    pub success_at: Option<Timestamp>,
    /// When one last failed.
    pub failure_at: Option<Timestamp>,
    /// When what is no longer kept was passed over.
    pub skipped_at: Option<Timestamp>,
}

impl Progress {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Places in three columns.
fn places<'a>(cursors: impl Iterator<Item = &'a Cursor>) -> (Vec<i32>, Vec<i64>, Vec<i64>) {
    let (mut epochs, mut xids, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for cursor in cursors {
        let (epoch, xid, item) = columns(*cursor);
        epochs.push(epoch);
        xids.push(xid);
        items.push(item);
    }
    (epochs, xids, items)
}

/// Writes down how far an endpoint is and what happened, in one transaction; `false`, with nothing written, when this node does not
/// hold it any more or it was moved by hand.
///
/// # Errors
/// [`StoreError`] when the database refuses; whether it was written may be unknown then.
pub async fn keep(
    client: &mut Client,
    work: &Work,
    (position, failures): (Cursor, i32),
    progress: &Progress,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "webhook_keep").await?;
    let (epoch, xid, item) = columns(position);
    let moved = tx
        .query(
            sql!("webhook_progress"),
            &[
                &work.id,
                &work.node,
                &work.course,
                &epoch,
                &xid,
                &item,
                &failures,
                &progress.success_at,
                &progress.failure_at,
                &progress.skipped_at,
            ],
        )
        .await?;
    if moved.is_empty() {
        tx.rollback().await?;
        return Ok(false);
    }
    record::log(&tx, work.id, &progress.attempts).await?;
    for (statement, cursors) in
        [(sql!("webhook_settle"), &progress.settled), (sql!("webhook_exhume"), &progress.exhumed)]
    {
        if !cursors.is_empty() {
            let (epochs, xids, items) = places(cursors.iter());
            tx.execute(statement, &[&work.id, &epochs, &xids, &items]).await?;
        }
    }
    wait(&tx, work.id, &progress.waiting).await?;
    bury(&tx, work.id, &progress.buried).await?;
    tx.commit().await?;
    Ok(true)
}

async fn wait(tx: &Tx<'_>, id: Uuid, waiting: &[Pending]) -> Result<(), StoreError> {
    if waiting.is_empty() {
        return Ok(());
    }
    let (epochs, xids, items) = places(waiting.iter().map(|message| &message.cursor));
    let attempts: Vec<i32> = waiting.iter().map(|message| message.attempts).collect();
    let next: Vec<Timestamp> = waiting.iter().map(|message| message.next_at).collect();
    let received: Vec<Timestamp> = waiting.iter().map(|message| message.received_at).collect();
    let by_hand: Vec<bool> = waiting.iter().map(|message| message.by_hand).collect();
    tx.execute(sql!("webhook_wait"), &[&id, &epochs, &xids, &items, &attempts, &next, &received, &by_hand])
        .await?;
    Ok(())
}

async fn bury(tx: &Tx<'_>, id: Uuid, buried: &[Buried]) -> Result<(), StoreError> {
    if buried.is_empty() {
        return Ok(());
    }
    let (epochs, xids, items) = places(buried.iter().map(|message| &message.cursor));
    let times: Vec<Timestamp> = buried.iter().map(|message| message.at).collect();
    let kinds: Vec<&str> = buried.iter().map(|message| message.kind.as_str()).collect();
    let attempts: Vec<i32> = buried.iter().map(|message| message.attempts).collect();
    let statuses: Vec<Option<i32>> = buried.iter().map(|message| message.status).collect();
    let errors: Vec<Option<&str>> = buried.iter().map(|message| message.error.as_deref()).collect();
    tx.execute(
        sql!("webhook_bury"),
        &[&id, &times, &epochs, &xids, &items, &kinds, &attempts, &statuses, &errors],
    )
    .await?;
    Ok(())
}

/// Disables an endpoint whose receiver wants no more; `false` when this node does not hold it any more.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn disable(pool: &Pool, work: &Work, reason: &str) -> Result<bool, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&work.id, &work.node, &work.course, &reason];
    Ok(lease.first(sql!("webhook_disable"), &values).await?.is_some())
}
