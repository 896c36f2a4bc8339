//! The last items that were refused, their values masked: a bounded window for whoever looks after an integration.

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};

use super::{StoreError, lease::Lease};

/// Refused items kept for a datasource.
pub const KEPT: i64 = 50;

/// How long a refused item is kept.
const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A refused item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Row of the datasource.
    pub datasource: i64,
    /// When it was refused.
    pub at: Timestamp,
    /// `event` or `contact`.
    pub kind: &'static str,
    /// JSON pointer to what is at fault.
    pub pointer: String,
    /// The rule that was broken.
    pub rule: String,
    /// The item with its values masked.
    pub excerpt: String,
}

/// Keeps refused items, and forgets what exceeds the window of their datasources.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn keep(pool: &Pool, rows: &[RejectedRow]) -> Result<(), StoreError> {
    let mut datasources: Vec<i64> = rows.iter().map(|row| row.datasource).collect();
    let times: Vec<Timestamp> = rows.iter().map(|row| row.at).collect();
    let kinds: Vec<&str> = rows.iter().map(|row| row.kind).collect();
    let pointers: Vec<&str> = rows.iter().map(|row| row.pointer.as_str()).collect();
    let rules: Vec<&str> = rows.iter().map(|row| row.rule.as_str()).collect();
    let excerpts: Vec<&str> = rows.iter().map(|row| row.excerpt.as_str()).collect();
    let mut lease = Lease::of(pool).await?;
    lease
        .query(sql!("rejected_insert"), &[&datasources, &times, &kinds, &pointers, &rules, &excerpts])
        .await?;
    datasources.dedup();
    lease.query(sql!("rejected_trim"), &[&datasources, &(KEPT - 1)]).await?;
    Ok(())
}

/// Forgets refused items that are older than a week.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn expire(pool: &Pool, now: Timestamp) -> Result<(), StoreError> {
    let oldest = now.saturating_sub(WEEK).unwrap_or(Timestamp::MIN);
    Lease::of(pool).await?.query(sql!("rejected_expire"), &[&oldest]).await?;
    Ok(())
}
