//! What became of a lot whose commit got no answer.

use jiff::Timestamp;

use super::{
    StoreError,
    lane::{Backend, Lane},
    lots::LotRow,
};

/// What a lot leaves behind, to be found by, and who was writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The process that was told to commit it.
    pub backend: Backend,
    /// Its epoch.
    pub epoch: i32,
    /// One of its rows in the order. Its ids were given to nobody else, unless a crash forgot that they had been; then the sum
    /// and the time tell the two apart.
    pub lot: LotRow,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is committed, as this transaction.
    Committed(i64),
    /// It is rolled back; nothing of it was stored.
    Aborted,
    /// Its process is still there.
    Running,
}

/// Asks what became of the lot that would have left `trace`, on another connection to the same cluster.
///
/// As long as its process lives, its transaction may still commit; only once that is gone, what the order lacks was never
/// committed. Both questions are sent together, but the second sees what was committed by the time the first one was answered:
/// each statement has a snapshot of its own.
///
/// # Errors
/// [`StoreError`] when the server cannot be asked.
pub async fn fate(lane: &mut Lane, trace: &Trace) -> Result<Fate, StoreError> {
    let (mut flight, statements) = lane.begin()?;
    flight.ask(&statements.backend_alive, &[&trace.backend.pid, &trace.backend.started_at])?;
    let (lot, floor) = (&trace.lot, trace.backend.floor.to_string());
    flight.ask(
        &statements.lot_find,
        &[
            &lot.project,
            &trace.epoch,
            &floor,
            &lot.first_id,
            &lot.last_id,
            &lot.datasource,
            &lot.id_sum.cast_signed(),
            &trace.received_at,
        ],
    )?;
    flight.seal().await?;
    let lives = !flight.rows(&statements.backend_alive).await?.is_empty();
    let found = flight.rows(&statements.lot_find).await?;
    flight.commit().await?;
    Ok(match found.first() {
        Some(row) => Fate::Committed(row.get(0)?),
        None if lives => Fate::Running,
        None => Fate::Aborted,
    })
}
