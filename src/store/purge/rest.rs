//! What a purge removes beside lots: contacts, usage, refused items, and in the end its own traces.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{MARGIN, Next, Position, Progress, Purge, long_ago, lots};
use crate::store::{StoreError, tx::Tx};

/// Contacts that one step removes.
const CONTACTS: i64 = 1_000;

/// Claims that one step looks through.
const CLAIMS: i64 = 2_000;

/// Minutes of usage that one step removes.
const MINUTES: i64 = 5_000;

/// Takes away the totals of usage, those of the running minute, and refused items. Older minutes follow in steps. In this order,
/// because `usage_add.sql` writes totals before minutes.
pub(super) async fn forget_usage(tx: &Tx<'_>, datasource: i64, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(sql!("purge_usage_total"), &[&datasource]).await?;
    tx.execute(sql!("purge_usage_recent"), &[&datasource, &now]).await?;
    tx.execute(sql!("purge_rejected"), &[&datasource]).await?;
    Ok(())
}

/// Removes claims whose rows retention had removed before, a day or more after they were received. Their ids are nowhere but here,
/// so they are known by their age.
pub(super) async fn claims(tx: &Tx<'_>, purge: &Purge) -> Result<Progress, StoreError> {
    let values: [&(dyn ToSql + Sync); 4] =
        [&purge.datasource, &purge.at_claim, &long_ago(purge.requested_at), &CLAIMS];
    if let Some(row) = tx.query(sql!("purge_claims"), &values).await?.first() {
        tx.execute(sql!("purge_at_claim"), &[&purge.datasource, &row.get::<_, Uuid>(0)]).await?;
    } else {
        tx.execute(sql!("purge_tally_expired"), &[&purge.datasource]).await?;
        tx.execute(sql!("purge_to_contacts"), &[&purge.datasource]).await?;
    }
    Ok(Progress { removed: 0, next: Next::More })
}

/// Removes the next contacts in the order of their keys, which is how lanes lock them.
pub(super) async fn contacts(tx: &Tx<'_>, purge: &Purge) -> Result<Progress, StoreError> {
    let start = i64::try_from(purge.start.tx).unwrap_or(i64::MAX);
    let long_ago = long_ago(purge.requested_at);
    let gone = tx
        .query(
            sql!("purge_contacts"),
            &[
                &purge.datasource,
                &purge.at_user,
                &long_ago,
                &purge.start.epoch,
                &start,
                &purge.requested_at,
                &CONTACTS,
            ],
        )
        .await?;
    let (removed, last) =
        gone.first().map_or((0, None), |row| (row.get::<_, i64>(0), row.get::<_, Option<String>>(1)));
    if let Some(last) = last {
        tx.execute(sql!("purge_tally"), &[&purge.datasource, &0_i64, &removed]).await?;
        tx.execute(sql!("purge_at_user"), &[&purge.datasource, &last]).await?;
    } else {
        tx.execute(sql!("purge_to_rest"), &[&purge.datasource]).await?;
        tx.execute(sql!("purge_reopen"), &[&purge.datasource]).await?;
    }
    Ok(Progress { removed, next: Next::More })
}

/// Removes what is left over, and the purge with it.
pub(super) async fn step(tx: &Tx<'_>, purge: &Purge, now: Timestamp) -> Result<Progress, StoreError> {
    let progress = |next| Ok(Progress { removed: 0, next });
    let minutes: u64 =
        tx.execute(sql!("purge_usage_minutes"), &[&purge.datasource, &purge.requested_at, &MINUTES]).await?;
    if minutes > 0 {
        return progress(Next::More);
    }
    if let Some(from) = purge.shells_from {
        // Nothing before the start was received later than it was asked for, but for clocks that differ.
        if now.duration_since(purge.requested_at) < MARGIN + MARGIN {
            return progress(Next::Wait);
        }
        let from = lots::remove_shells(tx, purge, from, now).await?;
        let (epoch, xid) = (from.map(|at| at.epoch), from.map(Position::xid));
        tx.execute(sql!("purge_shells"), &[&purge.datasource, &epoch, &xid]).await?;
        return progress(Next::More);
    }
    tx.execute(sql!("purge_done"), &[&purge.datasource]).await?;
    let deleted = tx.execute(sql!("purge_mark"), &[&purge.datasource, &purge.requested_at, &now]).await?;
    if deleted > 0 {
        forget_usage(tx, purge.datasource, purge.requested_at).await?;
        tx.execute(sql!("purge_tally_end"), &[&purge.datasource]).await?;
    }
    progress(Next::Done)
}
