//! What was asked of each datasource, by the minute and in all.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::{StoreError, lease::Lease};

/// What was asked of one datasource within one minute, or in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests answered with 2xx.
    pub calls_success: i64,
    /// Requests answered otherwise.
    pub calls_failures: i64,
    /// Items that were good.
    pub entities_success: i64,
    /// Items that were refused.
    pub entities_failures: i64,
    /// Good contacts.
    pub contacts: i64,
    /// Good events.
    pub events: i64,
    /// When a request last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// When a request last failed.
    pub last_failure_at: Option<Timestamp>,
    /// When a contact was last received.
    pub last_contact_at: Option<Timestamp>,
    /// When an event was last received.
    pub last_event_at: Option<Timestamp>,
}

impl Usage {
    /// Adds another stretch of time to this one.
    pub fn add(&mut self, other: &Self) {
        self.calls_success += other.calls_success;
        self.calls_failures += other.calls_failures;
        self.entities_success += other.entities_success;
        self.entities_failures += other.entities_failures;
        self.contacts += other.contacts;
        self.events += other.events;
        self.last_success_at = self.last_success_at.max(other.last_success_at);
        self.last_failure_at = self.last_failure_at.max(other.last_failure_at);
        self.last_contact_at = self.last_contact_at.max(other.last_contact_at);
        self.last_event_at = self.last_event_at.max(other.last_event_at);
    }
}

/// Which datasource, and the start of which minute.
pub type UsageKey = (i64, Timestamp);

/// Adds what was gathered, in one statement.
///
/// # Errors
/// [`StoreError`] when the database refuses, and then nothing is added, or does not answer, and then it may be.
pub async fn add(pool: &Pool, gathered: &[(UsageKey, Usage)]) -> Result<(), StoreError> {
    let big = |field: fn(&Usage) -> i64| gathered.iter().map(|(_, usage)| field(usage)).collect::<Vec<i64>>();
    let time = |field: fn(&Usage) -> Option<Timestamp>| {
        gathered.iter().map(|(_, usage)| field(usage)).collect::<Vec<Option<Timestamp>>>()
    };
    let datasources: Vec<i64> = gathered.iter().map(|((datasource, _), _)| *datasource).collect();
    let minutes: Vec<Timestamp> = gathered.iter().map(|((_, minute), _)| *minute).collect();
    let values: [&(dyn ToSql + Sync); 12] = [
        &datasources,
        &minutes,
        &big(|usage| usage.calls_success),
        &big(|usage| usage.calls_failures),
        &big(|usage| usage.entities_success),
        &big(|usage| usage.entities_failures),
        &big(|usage| usage.contacts),
        &big(|usage| usage.events),
        &time(|usage| usage.last_success_at),
        &time(|usage| usage.last_failure_at),
        &time(|usage| usage.last_contact_at),
        &time(|usage| usage.last_event_at),
    ];
    Lease::of(pool).await?.query(sql!("usage_add"), &values).await?;
    Ok(())
}

/// Reads the totals of a datasource, zero where nothing was ever asked.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn read(pool: &Pool, datasource: i64) -> Result<Usage, StoreError> {
    let row = Lease::of(pool).await?.first(sql!("usage_read"), &[&datasource]).await?;
    Ok(row.map_or_else(Usage::default, |row| Usage {
        calls_success: row.get(0),
        calls_failures: row.get(1),
        entities_success: row.get(2),
        entities_failures: row.get(3),
        contacts: row.get(4),
        events: row.get(5),
        last_success_at: row.get(6),
        last_failure_at: row.get(7),
        last_contact_at: row.get(8),
        last_event_at: row.get(9),
    }))
}
