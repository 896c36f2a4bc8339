//! Purges: everything that a datasource held at a moment goes, in small transactions, beside the lanes.
//!
//! Promises that what comes in after the moment stays whole, that no claim is left without its row nor a row without its claim,
//! and that totals are exact throughout. Must not know who may ask for one.

pub(super) mod lots;

mod rest;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::{
    StoreError,
    audit::{self, Actor},
    epochs, tally,
    tx::Tx,
};

/// How long after its receipt a lot may still be looked for by the lane that wrote it; see `tx::fate`. Until then an emptied lot
/// keeps its row.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows of the log and contacts that this step removed.
    pub removed: i64,
    /// What comes next.
    pub next: Next,
}

/// What there is to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// More of it, at once.
    More,
    /// Nothing for now: an old transaction is open, or emptied lots are too young to go. The data is gone in the second case.
    Wait,
    /// Nothing: the purge is complete.
    Done,
}

/// A purge that is under way.
struct Purge {
    datasource: i64,
    project: i64,
    requested_at: Timestamp,
    phase: Phase,
    /// Lots before this position go.
    start: Position,
    /// Lots before this one are done.
    at: Position,
    /// Lots from here on are not settled and tallied yet, or stay.
    until: Position,
    /// Whether everything before `start` is settled and tallied.
    settled: bool,
    at_claim: Uuid,
    at_user: String,
    shells_from: Option<Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Lots,
    Claims,
    Contacts,
    Rest,
}

/// A position in the order of lots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) epoch: i32,
    pub(super) tx: u64,
}

impl Position {
    pub(super) fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        let tx: &str = row.get(at + 1);
        let tx = tx.parse().map_err(|_| StoreError::Content(format!("{tx} is no transaction id")))?;
        Ok(Self { epoch: row.get(at), tx })
    }

    /// The position behind every lot of the transaction.
    pub(super) fn behind(self) -> Self {
        Self { tx: self.tx + 1, ..self }
    }

    pub(super) fn xid(self) -> String {
        self.tx.to_string()
    }
}

impl Purge {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let phase = match row.get(3) {
            "lots" => Phase::Lots,
            "claims" => Phase::Claims,
            "contacts" => Phase::Contacts,
            _ => Phase::Rest,
        };
        let shells: Option<i32> = row.get(9);
        let (start, position) = (Position::read(row, 4)?, Position::read(row, 11)?);
        Ok(Self {
            datasource: row.get(0),
            project: row.get(1),
            requested_at: row.get(2),
            phase,
            start,
            at: Position::read(row, 6)?,
            until: start.min(position),
            settled: position >= start,
            at_claim: row.get(13),
            at_user: row.get(8),
            shells_from: shells.map(|_| Position::read(row, 9)).transpose()?,
        })
    }
}

/// How long a datasource is closed before its purge begins: until every node has heard of it (a second) and whatever was taken in
/// before is written or withdrawn (the wait for a lane, by default). A push that is judged by what a purge removes would be
/// answered with success for something that is gone a moment later.
pub const CLOSING_SECONDS: f64 = 6.0;

/// Asks for everything that a datasource holds to go: pushes are refused from now on, until that is done. `false` when there is no
/// such datasource. One that is closed already stays so: nothing has come in since.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn close(client: &mut Client, datasource: &str, actor: Actor<'_>) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "datasource_close").await?;
    let found = !tx.query(sql!("purge_close"), &[&datasource]).await?.is_empty();
    if found {
        audit::write(&tx, actor, "datasource.purge", datasource, "everything received until now").await?;
    }
    tx.commit().await?;
    Ok(found)
}

/// Whether pushes to a datasource are refused, because its purge is not done.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn is_closed(client: &Client, datasource: &str) -> Result<bool, StoreError> {
    let row = client.query_opt(sql!("purge_state"), &[&datasource]).await?;
    Ok(row.is_some_and(|row| row.get(0)))
}

/// Begins to remove all that is committed or under way now, and takes usage and refused items away at once; `false` when there is
/// no such datasource. A purge that is under way begins anew.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn begin(client: &mut Client, datasource: &str, now: Timestamp) -> Result<bool, StoreError> {
    // In a restored cluster no lane may have been yet, and its transactions would lie before the lots that it brought.
    epochs::current(client).await?;
    let tx = Tx::begin(client, "datasource_purge").await?;
    let asked = tx.query(sql!("purge_request"), &[&datasource, &now]).await?;
    let Some(row) = asked.first() else {
        tx.rollback().await?;
        return Ok(false);
    };
    rest::forget_usage(&tx, row.get(0), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The datasources whose purge is not complete, after beginning those of datasources that have been closed for [`CLOSING_SECONDS`], and of
/// those that were deleted a minute ago or longer: by then every node refuses their data.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked or written.
pub async fn open(client: &mut Client, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    for row in client.query(sql!("purge_closed"), &[&CLOSING_SECONDS]).await? {
        begin(client, row.get(0), now).await?;
    }
    client.execute(sql!("purge_adopt"), &[&now]).await?;
    Ok(client.query(sql!("purge_open"), &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// Does the next bit of a purge, in a transaction of less than 100 ms; `None` where there is none, or while another worker is at
/// it.
///
/// # Errors
/// [`StoreError`] when the database refuses; the step is undone then.
pub async fn step(
    client: &mut Client,
    datasource: i64,
    now: Timestamp,
) -> Result<Option<Progress>, StoreError> {
    settle(client, datasource).await?;
    let tx = Tx::begin(client, "purge_step").await?;
    let locked = tx.query(sql!("purge_lock"), &[&datasource]).await?;
    let Some(row) = locked.first() else {
        tx.rollback().await?;
        return Ok(None);
    };
    let purge = Purge::read(row)?;
    let progress = match purge.phase {
        Phase::Lots => lots::step(&tx, &purge, now).await?,
        Phase::Claims => rest::claims(&tx, &purge).await?,
        Phase::Contacts => rest::contacts(&tx, &purge).await?,
        Phase::Rest => rest::step(&tx, &purge, now).await?,
    };
    tx.commit().await?;
    Ok(Some(progress))
}

/// Moves the tally towards the start of a purge: what goes must have been tallied, or the sums would not be the same afterwards.
async fn settle(client: &mut Client, datasource: i64) -> Result<(), StoreError> {
    let unsettled = client.query_opt(sql!("purge_unsettled"), &[&datasource]).await?;
    if let Some(row) = unsettled {
        let project = row.get(0);
        while tally::advance(client, project, tally::STEP).await?.is_some_and(|step| step.more) {}
    }
    Ok(())
}

/// The time before which a contact or a claim was written before a purge was asked for, for sure: a clock may run an hour wrong.
fn long_ago(requested_at: Timestamp) -> Timestamp {
    requested_at.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(requested_at)
}

/// Moves the positions of every purge by as many epochs as a restore moved the lots.
///
/// # Errors
/// As [`Tx::query`].
pub async fn shift(tx: &Tx<'_>, by: i32) -> Result<(), StoreError> {
    tx.execute(sql!("purge_shift"), &[&by]).await?;
    Ok(())
}
