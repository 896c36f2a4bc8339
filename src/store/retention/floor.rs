//! Where the streams of projects begin.

use jiff::Timestamp;
use tokio_postgres::Client;

use crate::store::{StoreError, tx::Tx};

/// Lots that the first look at a project goes through: mostly there is nothing new, or little.
const FIRST: i64 = 64;

/// Lots that a later one goes through, so that it takes well under 100 ms.
const MOST: i64 = 20_000;

/// Lets the streams of all projects that keep things for a while begin behind what they have kept for long enough: everything
/// before the first lot that is younger. `only` one of them, where its uid is given.
///
/// Lots are judged by the time of their receipt and taken in their order, none that is not settled. A stream never begins earlier
/// than it did. Two clocks have to agree that something is old, `now` and the database's, so that one that runs ahead lets
/// nothing go.
///
/// # Errors
/// [`StoreError`] when the database refuses; what was raised by then stays so.
pub async fn raise(client: &mut Client, only: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    for row in client.query(sql!("retention_due"), &[&only, &now]).await? {
        let mut floor = Floor { epoch: row.get(1), tx: row.get(2), id: row.get(3) };
        let mut most = FIRST;
        while walk(client, row.get(0), &mut floor, row.get(4), most).await? {
            most = MOST;
        }
    }
    Ok(())
}

/// A position of the order, as the database has it.
struct Floor {
    epoch: i32,
    tx: String,
    id: i64,
}

/// Moves the beginning of a stream behind the next lots received before `since`; `true` when there may be more.
async fn walk(
    client: &mut Client,
    project: i64,
    floor: &mut Floor,
    since: Timestamp,
    most: i64,
) -> Result<bool, StoreError> {
    // Read apart, because it may take longer than a transaction that writes should.
    let walked = client
        .query_opt(sql!("retention_walk"), &[&project, &floor.epoch, &floor.tx, &floor.id, &since, &most])
        .await?;
    let Some(row) = walked else { return Ok(false) };
    *floor = Floor { epoch: row.get(0), tx: row.get(1), id: row.get(2) };
    let tx = Tx::begin(client, "retention_raise").await?;
    tx.execute(sql!("retention_raise"), &[&project, &floor.epoch, &floor.tx, &floor.id]).await?;
    tx.commit().await?;
    Ok(row.get(3))
}
