//! Summaries of the log's page ranges, kept up behind the lanes.
//!
//! A range without a summary is read by every look-up, and one that is summarized while it fills makes each of its inserts
//! dearer. So ranges are summarized once they are full. PostgreSQL's `autosummarize` would do it too, but only at autovacuum's
//! next round; nothing here takes a transaction id, so the stream's horizon moves on.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Client;

use super::{
    StoreError,
    partitions::{self, Partition},
};

/// Pages of a range of the log's index.
const RANGE: i64 = 8;

/// Pages at the end of a partition that may still be filling: PostgreSQL extends a busy table by several at once.
const FILLING: i64 = 64;

/// Pages that one statement summarizes, so that it stays well under 100 ms.
const AT_ONCE: i64 = 1_024;

/// How far each partition is summarized, as far as this process knows.
#[derive(Debug, Default)]
pub struct Summaries {
    done: HashMap<String, i64>,
}

impl Summaries {
    /// Summarizes what became full since the last time, and closed days to their end; answers how many ranges were new.
    ///
    /// Right after a start everything is looked at once, which costs 5 µs for each range that has its summary. A partition that is
    /// being vacuumed is left for another time: vacuum makes summaries itself.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses; what was summarized by then stays so.
    pub async fn advance(&mut self, client: &Client, now: Timestamp) -> Result<i64, StoreError> {
        let all = partitions::state(client).await?;
        self.done.retain(|name, _| all.iter().any(|partition| partition.name == *name));
        let mut made = 0;
        for partition in all {
            made += self.summarize(client, &partition, partition.is_closed(now)).await?;
        }
        Ok(made)
    }

    async fn summarize(
        &mut self,
        client: &Client,
        partition: &Partition,
        whole: bool,
    ) -> Result<i64, StoreError> {
        let end = if whole { partition.pages } else { (partition.pages - FILLING) / RANGE * RANGE };
        let done = self.done.entry(partition.name.clone()).or_insert(0);
        if *done > partition.pages {
            *done = 0;
        }
        let mut made = 0;
        while *done < end {
            let until = end.min(*done + AT_ONCE);
            let last = until - 1;
            let range = client.query_one(sql!("summaries_range"), &[&partition.name, &*done, &last]).await;
            match range.map_err(StoreError::from) {
                Ok(row) => made += row.get::<_, i64>(0),
                // Being vacuumed, or dropped since the list was read.
                Err(error) if error.is_locked_out() || error.is_missing_table() => return Ok(made),
                Err(error) => return Err(error),
            }
            *done = until;
        }
        Ok(made)
    }
}
