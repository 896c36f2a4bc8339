//! Closed days: a B-tree over each contact's rows, built once nothing is written there any more.
//!
//! Built in one go it is cheap, where kept up row by row it would be the dearest thing in the write path. `CONCURRENTLY`
//! holds a transaction id only for moments, so the stream's horizon moves on meanwhile.

use jiff::Timestamp;

use tokio_postgres::Client;

use super::{Database, Role, StoreError, partitions};

/// Key of the advisory lock under which one node at a time builds, or drops a day.
const LOCK: i64 = 0x7469_6465_636c_6f73;

/// Whether this connection is now the one that works on closed days.
pub(super) async fn lock(client: &Client) -> Result<bool, StoreError> {
    Ok(client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0))
}

/// Indexes the newest closed day that has no index yet and answers its name; `None` when there is none, or while another
/// node is at it.
///
/// # Errors
/// [`StoreError`] when the database refuses. What a broken attempt left behind is removed by the next.
pub async fn index_one(database: &Database, now: Timestamp) -> Result<Option<String>, StoreError> {
    // A connection of its own, which takes the lock with it when it goes.
    let client = database.connect(Role::Migration).await?;
    if !lock(&client).await? {
        return Ok(None);
    }
    let all = partitions::state(&client).await?;
    let Some(day) = all.into_iter().find(|day| day.is_closed(now) && !day.indexed) else {
        return Ok(None);
    };
    // Names come from the calendar alone, so there is nothing to escape.
    let name = day.name;
    client.batch_execute(&format!("drop index concurrently if exists {name}_by_person")).await?;
    let build = format!(
        "create index concurrently {name}_by_person on {name}
            (hashtextextended(user_id, datasource_id), received_at, id)"
    );
    client.batch_execute(&build).await?;
    Ok(Some(name))
}
