//! The audit: who did what to what, written in the transaction that does it.

use super::{StoreError, tx::Tx};

/// Writes one line. `note` is for people; it never holds a key, a body or a contact's value.
///
/// # Errors
/// As [`Tx::query`].
pub async fn write(
    tx: &Tx<'_>,
    actor: &str,
    action: &str,
    subject: &str,
    note: &str,
) -> Result<(), StoreError> {
    let detail = serde_json::json!({ "note": note }).to_string();
    tx.execute(sql!("audit_insert"), &[&actor, &action, &subject, &detail]).await?;
    Ok(())
}
