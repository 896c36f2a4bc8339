//! The audit: who did what to what, when and from where, written in the transaction that does it.

use super::{StoreError, tx::Tx};

/// Whoever does something that is written down.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// Who: a key by its kind, id and first characters, a user, or what runs by itself.
    pub who: &'a str,
    /// Where the request came from, as a prefix of the address; empty for what came from no network.
    pub from: &'a str,
}

impl<'a> Actor<'a> {
    /// One who is at the server itself.
    pub const fn local(who: &'a str) -> Self {
        Self { who, from: "" }
    }
}

/// Writes one line. `subject` is the uid or id of what it was done to, from which the line gets its project; `note` is for people
/// and never holds a key, a body or a contact's value.
///
/// # Errors
/// As [`Tx::query`].
pub async fn write(
    tx: &Tx<'_>,
    actor: Actor<'_>,
    action: &str,
    subject: &str,
    note: &str,
) -> Result<(), StoreError> {
    let detail = serde_json::json!({ "note": note }).to_string();
    tx.execute(sql!("audit_insert"), &[&actor.who, &actor.from, &action, &subject, &detail]).await?;
    Ok(())
}
