//! The key that asks for a change. It was looked at when its request began, and the body of that may have taken a while.

use super::{StoreError, audit::Actor, tx::Tx};

/// Keeps the key that asks from being ended until the end of the transaction. Whoever makes a key for it calls this, so that a key
/// which was ended makes none any more: its end waits for what it made, or comes first.
///
/// To be called after users, projects and datasources are held, as whoever ends those takes keys last.
///
/// # Errors
/// [`StoreError::CallerEnded`] when it no longer holds.
pub(super) async fn hold(tx: &Tx<'_>, actor: Actor<'_>) -> Result<(), StoreError> {
    match actor.key {
        Some(key) if tx.query(sql!("caller_hold"), &[&key]).await?.is_empty() => Err(StoreError::CallerEnded),
        _ => Ok(()),
    }
}
