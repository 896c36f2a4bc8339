//! Rows of keys: made, listed, revoked, deleted. Every change leaves a line in the audit in the same transaction.

use jiff::Timestamp;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    StoreError,
    audit::{self, Actor},
    tx::Tx,
};

/// A key to be stored. Its text stays with the caller.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// Row, drawn by the caller.
    pub id: Uuid,
    /// Kind, as stored.
    pub kind: &'a str,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// The first characters, for display.
    pub prefix: &'a str,
    /// A name for people.
    pub name: &'a str,
    /// What it is for, for people; may be empty.
    pub description: &'a str,
    /// Role, as stored; personal keys only.
    pub role: Option<&'a str>,
    /// Scopes, as stored.
    pub scopes: &'a [&'a str],
    /// The text, encrypted; kinds that can be shown again only.
    pub sealed: Option<&'a [u8]>,
    /// Uid of the project to bind to.
    pub project: Option<&'a str>,
    /// Uid of the datasource to bind to.
    pub datasource: Option<&'a str>,
    /// Uid of the user it belongs to.
    pub user: Option<&'a str>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A key as lists show it.
#[derive(Debug, Clone)]
pub struct KeyListing {
    /// Row.
    pub id: Uuid,
    /// Kind, as stored.
    pub kind: String,
    /// The first characters.
    pub prefix: String,
    /// The name its maker gave it.
    pub name: String,
    /// Scopes, as stored.
    pub scopes: Vec<String>,
    /// Uid of the project it reaches; `None` is all of them.
    pub project: Option<String>,
    /// Uid of the datasource it is bound to.
    pub datasource: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Stores a key; `false` when the project, datasource or user to bind to does not exist, or the user is disabled, and then nothing is stored.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn create(client: &mut Client, key: &NewKey<'_>, actor: Actor<'_>) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "key_create").await?;
    let made = insert(&tx, key, actor).await?;
    tx.commit().await?;
    Ok(made)
}

/// Stores a key inside a larger transaction; see [`create`].
pub(super) async fn insert(tx: &Tx<'_>, key: &NewKey<'_>, actor: Actor<'_>) -> Result<bool, StoreError> {
    if let Some(user) = key.user
        && tx.query(sql!("user_hold"), &[&user]).await?.is_empty()
    {
        return Ok(false);
    }
    let hash: &[u8] = &key.hash;
    let rows = tx
        .query(
            sql!("key_insert"),
            &[
                &key.id,
                &key.kind,
                &hash,
                &key.prefix,
                &key.name,
                &key.scopes,
                &key.project,
                &key.datasource,
                &actor.who,
                &key.description,
                &key.role,
                &key.sealed,
                &key.user,
                &key.expires_at,
            ],
        )
        .await?;
    if rows.is_empty() {
        return Ok(false);
    }
    audit::write(tx, actor, "key.create", &key.id.to_string(), &format!("{} {}", key.kind, key.prefix))
        .await?;
    Ok(true)
}

/// Lists the keys that were not deleted, of one project or of all.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(client: &Client, project: Option<&str>) -> Result<Vec<KeyListing>, StoreError> {
    let rows = client.query(sql!("key_list"), &[&project]).await?;
    Ok(rows
        .iter()
        .map(|row| KeyListing {
            id: row.get(0),
            kind: row.get(1),
            prefix: row.get(2),
            name: row.get(3),
            scopes: row.get(4),
            project: row.get(5),
            datasource: row.get(6),
            created_at: row.get(7),
            created_by: row.get(8),
            expires_at: row.get(9),
            revoked_at: row.get(10),
        })
        .collect())
}

/// How a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It stays listed, disabled.
    Revoke,
    /// It leaves every list.
    Delete,
}

/// Ends a key; `false` when there is no such key.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn end(client: &mut Client, id: Uuid, how: End, actor: Actor<'_>) -> Result<bool, StoreError> {
    let (statement, action) = match how {
        End::Revoke => (sql!("key_revoke"), "key.revoke"),
        End::Delete => (sql!("key_delete"), "key.delete"),
    };
    let tx = Tx::begin(client, "key_end").await?;
    let rows = tx.query(statement, &[&id]).await?;
    if let Some(row) = rows.first() {
        let detail = format!("{} {}", row.get::<_, &str>(0), row.get::<_, &str>(1));
        audit::write(&tx, actor, action, &id.to_string(), &detail).await?;
    }
    tx.commit().await?;
    Ok(!rows.is_empty())
}
