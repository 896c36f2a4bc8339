//! The audit: who did what to what, when and from where, written in the transaction that does it.

use jiff::Timestamp;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{StoreError, tx::Tx};

/// Whoever does something that is written down.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// Who: a key by its kind, id and first characters, a user, or what runs by itself.
    pub who: &'a str,
    /// Where the request came from, as a prefix of the address; empty for what came from no network.
    pub from: &'a str,
    /// The key that asked, by row; `None` for whoever is at the server itself.
    pub key: Option<Uuid>,
}

impl<'a> Actor<'a> {
    /// One who is at the server itself.
    pub const fn local(who: &'a str) -> Self {
        Self { who, from: "", key: None }
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

/// One line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Row; later lines have larger numbers.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Uid of the project it concerns; `None` for what concerns none or all.
    pub project: Option<String>,
    /// Who; see [`Actor::who`].
    pub actor: String,
    /// From where; see [`Actor::from`].
    pub address: String,
    /// What, such as `key.revoke`.
    pub action: String,
    /// To what: a uid, or the id of a key.
    pub subject: String,
    /// What else there is to say, for people; may be empty.
    pub note: String,
}

/// Lists lines, the latest first, of the project of this uid or of all: those before the line `before`, and no more than `limit`.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(
    client: &Client,
    project: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let rows = client.query(sql!("audit_list"), &[&project, &before, &limit]).await?;
    Ok(rows
        .iter()
        .map(|row| Line {
            id: row.get(0),
            at: row.get(1),
            project: row.get(2),
            actor: row.get(3),
            address: row.get(4),
            action: row.get(5),
            subject: row.get(6),
            note: row.get(7),
        })
        .collect())
}
