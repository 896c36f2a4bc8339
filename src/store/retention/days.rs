//! Days of the log that no project keeps any more, dropped whole.
//!
//! `DROP` or `DETACH` of a partition would lock the whole log. `DETACH … CONCURRENTLY` waits for those who are reading, holds up
//! nobody, and can be gone on with where it broke off; what is then a table of its own is dropped.

use jiff::Timestamp;
use tokio_postgres::Client;

use crate::store::{Database, Role, StoreError, closed, partitions};

/// The comment on a partition that is on its way out, by which an operator's own detached ones are told from it.
const MARK: &str = "tidegate: past its retention, about to be dropped";

/// How long a lock is waited for, in milliseconds. While a partition is being detached no other can be attached, so a long reader
/// (a backup) must not be waited out.
const PATIENCE: u32 = 5_000;

/// Drops the oldest partition of the log if it ended before the longest retention of any project, and answers its name. `None` where
/// there is none, while a project keeps things for ever, or while another node is at it.
///
/// Nothing goes that a stream still shows: all that was received on that day has to lie before the beginning of its project's.
///
/// # Errors
/// [`StoreError`] when the database refuses, or a reader is in the way for five seconds; the next call goes on from there.
pub async fn drop_one(database: &Database, now: Timestamp) -> Result<Option<String>, StoreError> {
    // A connection of its own, which takes the lock with it when it goes.
    let client = database.connect(Role::Migration).await?;
    if !closed::lock(&client).await? {
        return Ok(None);
    }
    client.batch_execute(&format!("set lock_timeout = {PATIENCE}")).await?;
    let Some(day) = next(&client, now).await? else { return Ok(None) };
    // Names come from the calendar alone, so there is nothing to escape.
    let name = match day {
        Day::Attached(name) => {
            let mark = format!("comment on table {name} is '{MARK}'");
            client.batch_execute(&mark).await?;
            client.batch_execute(&format!("alter table event detach partition {name} concurrently")).await?;
            name
        }
        Day::Detaching(name) => {
            client.batch_execute(&format!("alter table event detach partition {name} finalize")).await?;
            name
        }
        Day::Detached(name) => name,
    };
    client.batch_execute(&format!("drop table {name}")).await?;
    Ok(Some(name))
}

/// A day that goes, and how far that is.
enum Day {
    Attached(String),
    Detaching(String),
    Detached(String),
}

async fn next(client: &Client, now: Timestamp) -> Result<Option<Day>, StoreError> {
    if let Some(row) = client.query_opt(sql!("retention_leftover"), &[&MARK]).await? {
        return Ok(Some(if row.get(1) { Day::Detaching(row.get(0)) } else { Day::Detached(row.get(0)) }));
    }
    let past: Option<Timestamp> = client.query_one(sql!("retention_longest"), &[&now]).await?.get(0);
    let (Some(past), Some(oldest)) = (past, partitions::state(client).await?.pop()) else { return Ok(None) };
    if oldest.to > past {
        return Ok(None);
    }
    let held = client.query_one(sql!("retention_day_held"), &[&oldest.from, &oldest.to]).await?;
    Ok((!held.get::<_, bool>(0)).then_some(Day::Attached(oldest.name)))
}
