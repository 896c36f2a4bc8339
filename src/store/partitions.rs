//! Partitions of the log, one a day (UTC), made apart and then attached.
//!
//! `CREATE TABLE … PARTITION OF` would lock the whole log against the lanes; `ATTACH` of a table whose check constraint
//! already proves its bounds takes a light lock and no scan.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use tokio_postgres::Client;

use super::StoreError;

/// A partition of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Name of its table.
    pub name: String,
    /// The first instant it covers.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Pages of its table.
    pub pages: i64,
    /// Whether the index of a closed day is there and in use.
    pub indexed: bool,
}

impl Partition {
    /// Whether no lot can still be on its way here: the day ended an hour ago.
    pub fn is_closed(&self, now: Timestamp) -> bool {
        now.duration_since(self.to) >= SignedDuration::from_hours(1)
    }

    /// Reads a row of `partition_state.sql`; `None` for a table that was not named by this file.
    pub(super) fn of(row: &tokio_postgres::Row) -> Option<Self> {
        let name: &str = row.get(0);
        let day = Date::strptime("%Y%m%d", name.strip_prefix("event_")?).ok()?;
        Some(Self {
            name: name.to_owned(),
            from: midnight(day)?,
            to: midnight(day.tomorrow().ok()?)?,
            pages: row.get(1),
            indexed: row.get(2),
        })
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The partitions of the log, newest first.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn state(client: &Client) -> Result<Vec<Partition>, StoreError> {
    Ok(client.query(sql!("partition_state"), &[]).await?.iter().filter_map(Partition::of).collect())
}

/// Days ahead of today for which a partition always stands.
pub const DAYS_AHEAD: i64 = 7;

/// Key of the advisory lock under which partitions are made.
const LOCK: i64 = 0x7469_6465_7061_7274;

/// Makes the partitions of yesterday (a clock may be stepped back), of today and of the days ahead; answers how many were
/// new.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn ensure(client: &Client, now: Timestamp) -> Result<usize, StoreError> {
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let made = make_missing(client, now).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    made
}

async fn make_missing(client: &Client, now: Timestamp) -> Result<usize, StoreError> {
    let rows = client.query(sql!("partition_list"), &[]).await?;
    let there: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let mut made = 0;
    for days in -1..=DAYS_AHEAD {
        let day = day_of(now, days);
        if !there.contains(&name_of(day).as_str()) {
            make(client, day).await?;
            made += 1;
        }
    }
    Ok(made)
}

/// How many whole days ahead of `now` partitions stand without a gap; −1 when today's is missing.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn days_ahead(client: &Client, now: Timestamp) -> Result<i64, StoreError> {
    let rows = client.query(sql!("partition_list"), &[]).await?;
    let there: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let whole =
        (0..=DAYS_AHEAD).take_while(|days| there.contains(&name_of(day_of(now, *days)).as_str())).count();
    Ok(i64::try_from(whole).unwrap_or(0) - 1)
}

fn day_of(now: Timestamp, days: i64) -> Date {
    let shifted = now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
    TimeZone::UTC.to_datetime(shifted).date()
}

fn name_of(day: Date) -> String {
    format!("event_{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// The name of the table that holds what is received at a time, the first instant of its day, and the first instant after it.
pub(super) fn day_around(at: Timestamp) -> Option<(String, Timestamp, Timestamp)> {
    let day = day_of(at, 0);
    Some((name_of(day), midnight(day)?, midnight(day.tomorrow().ok()?)?))
}

async fn make(client: &Client, day: Date) -> Result<(), StoreError> {
    let name = name_of(day);
    let next = day.tomorrow().map_err(|error| StoreError::Content(error.to_string()))?;
    // Names and dates come from the calendar alone, so there is nothing to escape.
    let apart = format!(
        "create table if not exists {name} (like event including defaults,
            check (received_at is not null and received_at >= '{day} 00:00+00' and received_at < '{next} 00:00+00'));
         create index if not exists {name}_by_range on {name} using brin (id, received_at,
            hashtextextended(user_id, datasource_id) int8_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.001))
            with (pages_per_range = 8);
         create index if not exists {name}_by_closing on {name} (project_id, occurred_at) where type = 'conversation_closed';
         create index if not exists {name}_by_conversation on {name}
            (project_id, hashtextextended(parameters ->> 'conversation_id', project_id), occurred_at)
            where type in ('conversation_opened', 'conversation_message', 'conversation_closed')"
    );
    let attach = format!(
        "alter table event attach partition {name} for values from ('{day} 00:00+00') to ('{next} 00:00+00')"
    );
    client.batch_execute(&apart).await?;
    Ok(client.batch_execute(&attach).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_days_in_utc() {
        let late: Timestamp = "2026-12-31T23:59:59.999999Z".parse().unwrap();
        assert_eq!(name_of(day_of(late, 0)), "event_20261231");
        assert_eq!(name_of(day_of(late, 1)), "event_20270101");
        assert_eq!(name_of(day_of(late, -1)), "event_20261230");
    }

    #[test]
    fn a_day_is_closed_an_hour_after_its_end() {
        let (from, to) = ("2026-12-31T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
        let day = Partition { name: "event_20261231".into(), from, to, pages: 0, indexed: false };
        assert!(!day.is_closed("2027-01-01T00:59:59Z".parse().unwrap()));
        assert!(day.is_closed("2027-01-01T01:00:00Z".parse().unwrap()));
    }
}
