//! Rows of keys: made, rotated, renamed, revoked, deleted. Every change leaves a line in the audit in the same transaction.

use jiff::Timestamp;
use tokio_postgres::{Client, Row, types::ToSql};
use uuid::Uuid;

use super::{
    StoreError,
    audit::{self, Actor},
    caller,
    key_list::KeyState,
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

/// Stores a key; `false` when the project, datasource or user to bind to does not exist, or the user is disabled; then nothing is
/// stored.
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
    let places: [&(dyn ToSql + Sync); 2] = [&key.project, &key.datasource];
    tx.query(sql!("project_hold"), &places).await?;
    tx.query(sql!("datasource_hold"), &[&key.datasource]).await?;
    caller::hold(tx, actor).await?;
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

/// Writes down that keys ended with what they were bound to: rows of id, kind and prefix.
pub(super) async fn ended_with(tx: &Tx<'_>, ended: &[Row], actor: Actor<'_>) -> Result<(), StoreError> {
    for key in ended {
        let note = format!("{} {}", key.get::<_, &str>(1), key.get::<_, &str>(2));
        audit::write(tx, actor, "key.delete", &key.get::<_, Uuid>(0).to_string(), &note).await?;
    }
    Ok(())
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

/// A key that takes the place of another one.
#[derive(Debug, Clone, Copy)]
pub struct Successor<'a> {
    /// Row, drawn by the caller.
    pub id: Uuid,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// The first characters, for display.
    pub prefix: &'a str,
}

/// What became of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Both are live until this moment.
    Done(Timestamp),
    /// The key is not live, so nothing was stored.
    Not(KeyState),
    /// There is no such key.
    Gone,
}

/// Makes the successor of a live key, like it in all but its text, and lets the key end at `ends`, or earlier where an earlier end
/// was set before. Of two at once, one finds the key rotated.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn rotate(
    client: &mut Client,
    id: Uuid,
    successor: &Successor<'_>,
    now: Timestamp,
    ends: Timestamp,
    actor: Actor<'_>,
) -> Result<Rotation, StoreError> {
    let tx = Tx::begin(client, "key_rotate").await?;
    // First, as whoever disables a user takes them in this order too.
    tx.query(sql!("user_hold_of_key"), &[&id]).await?;
    tx.query(sql!("project_hold_of_key"), &[&id]).await?;
    tx.query(sql!("datasource_hold_of_key"), &[&id]).await?;
    if actor.key != Some(id) {
        caller::hold(&tx, actor).await?;
    }
    let rows = tx.query(sql!("key_lock"), &[&id]).await?;
    let Some(key) = rows.first() else { return Ok(Rotation::Gone) };
    let state = KeyState::at(now, key.get(2), key.get(3), key.get(4));
    if state != KeyState::Live {
        return Ok(Rotation::Not(state));
    }
    let hash: &[u8] = &successor.hash;
    let rotated = tx
        .query(sql!("key_rotate"), &[&id, &successor.id, &hash, &successor.prefix, &now, &ends, &actor.who])
        .await?;
    let ends: Timestamp = rotated.first().map_or(ends, |row| row.get(0));
    let (kind, prefix): (&str, &str) = (key.get(0), key.get(1));
    let note = format!("{kind} {prefix} until {ends}, then only {} {}", successor.prefix, successor.id);
    audit::write(&tx, actor, "key.rotate", &id.to_string(), &note).await?;
    tx.commit().await?;
    Ok(Rotation::Done(ends))
}

/// Corrects the name of a key; `false` when there is no such key.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn rename(client: &mut Client, id: Uuid, name: &str, actor: Actor<'_>) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "key_rename").await?;
    let rows = tx.query(sql!("key_rename"), &[&id, &name]).await?;
    if let Some(row) = rows.first() {
        let note = format!("{} {}: name = {name}", row.get::<_, &str>(0), row.get::<_, &str>(1));
        audit::write(&tx, actor, "key.change", &id.to_string(), &note).await?;
    }
    tx.commit().await?;
    Ok(!rows.is_empty())
}
