//! Which cluster transaction ids belong to.
//!
//! They start anew in a restored cluster and are issued twice after a fail-over to an asynchronous standby. So each lane
//! connection compares the cluster with the newest epoch, and opens the next one when they differ.

use tokio_postgres::Client;

use super::StoreError;

/// Key of the advisory lock under which an epoch is opened.
const LOCK: i64 = 0x7469_6465_6570_6f63;

/// The epoch that new lots belong to, opening one where the cluster is not the one the newest epoch names, or where that
/// epoch holds a transaction id that this cluster has yet to issue.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked or written.
pub async fn current(client: &mut Client) -> Result<i32, StoreError> {
    if let Standing::Current(n) = standing(client).await? {
        return Ok(n);
    }
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let opened = open_unless_opened(client).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    opened
}

enum Standing {
    Current(i32),
    Stale { next: i32, system_identifier: i64, timeline: i32 },
}

async fn standing(client: &Client) -> Result<Standing, StoreError> {
    let row = client.query_one(sql!("epoch_state"), &[]).await?;
    let (newest, ahead): (Option<i32>, i64) = (row.get(0), row.get(5));
    let stored: (Option<i64>, Option<i32>) = (row.get(1), row.get(2));
    let cluster: (i64, i32) = (row.get(3), row.get(4));
    let same = stored == (Some(cluster.0), Some(cluster.1));
    let possible = row.get::<_, Option<i64>>(6).is_none_or(|tx| tx < ahead);
    Ok(match newest {
        Some(n) if same && possible => Standing::Current(n),
        _ => Standing::Stale {
            next: newest.map_or(1, |n| n + 1),
            system_identifier: cluster.0,
            timeline: cluster.1,
        },
    })
}

async fn open_unless_opened(client: &Client) -> Result<i32, StoreError> {
    match standing(client).await? {
        Standing::Current(n) => Ok(n),
        Standing::Stale { next, system_identifier, timeline } => {
            client.execute(sql!("epoch_open"), &[&next, &system_identifier, &timeline]).await?;
            tracing::info!(epoch = next, "opened an epoch");
            Ok(next)
        }
    }
}
