//! People: made, listed, invited, disabled. Whatever ends or narrows a user touches the user's keys in the same transaction, so that
//! every node learns of it from the one poll of keys.

use jiff::Timestamp;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::{
    StoreError,
    audit::{self, Actor},
    tx::Tx,
};

/// A link by which a user sets a password once.
#[derive(Debug, Clone, Copy)]
pub struct Invitation {
    /// SHA-256 of its secret part.
    pub hash: [u8; 32],
    /// Until when it holds.
    pub until: Timestamp,
}

/// A user to be stored.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// Public name, drawn by the caller.
    pub uid: &'a str,
    /// Address; unique whatever its case.
    pub email: &'a str,
    /// Role, as stored.
    pub role: &'a str,
    /// Uids of the projects it sees, each once; `None` is all of them, those to come too.
    pub projects: Option<&'a [String]>,
    /// Argon2id hash of its password, in PHC form.
    pub password: Option<&'a str>,
    /// The link to set one.
    pub invitation: Option<Invitation>,
}

/// What became of a user to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is there.
    User,
    /// Another user has this address.
    EmailTaken,
    /// One of its projects does not exist.
    NoProject,
}

/// A user as lists show it.
#[derive(Debug, Clone)]
pub struct UserListing {
    /// Row.
    pub id: i64,
    /// Public name.
    pub uid: String,
    /// Address.
    pub email: String,
    /// Role, as stored.
    pub role: String,
    /// Uids of the projects it sees; `None` is all of them.
    pub projects: Option<Vec<String>>,
    /// Whether it has a password.
    pub has_password: bool,
    /// Until when its one-time link holds, where it has one.
    pub invited_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
}

/// Makes a user; nothing is stored unless the answer is [`Made::User`].
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn create(client: &mut Client, user: &NewUser<'_>, actor: Actor<'_>) -> Result<Made, StoreError> {
    let hash = user.invitation.as_ref().map(|invitation| &invitation.hash[..]);
    let until = user.invitation.map(|invitation| invitation.until);
    let tx = Tx::begin(client, "user_create").await?;
    let made = tx
        .query(
            sql!("user_insert"),
            &[&user.uid, &user.email, &user.role, &user.projects, &user.password, &hash, &until, &actor.who],
        )
        .await?;
    if made.is_empty() {
        let taken = !tx.query(sql!("user_list"), &[&user.email]).await?.is_empty();
        return Ok(if taken { Made::EmailTaken } else { Made::NoProject });
    }
    audit::write(&tx, actor, "user.create", user.uid, &format!("{} {}", user.role, seen(user.projects)))
        .await?;
    tx.commit().await?;
    Ok(Made::User)
}

/// The projects that a user sees, for the audit.
fn seen(projects: Option<&[String]>) -> String {
    projects.map_or_else(|| "all projects".to_owned(), |uids| uids.join(" "))
}

/// Lists the users, disabled ones too, in the order in which they were made.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(client: &Client) -> Result<Vec<UserListing>, StoreError> {
    let rows = client.query(sql!("user_list"), &[&None::<&str>]).await?;
    Ok(rows.iter().map(listing).collect())
}

/// The user of an address, whatever its case; `None` when there is none.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn find(client: &Client, email: &str) -> Result<Option<UserListing>, StoreError> {
    let row = client.query_opt(sql!("user_list"), &[&email]).await?;
    Ok(row.as_ref().map(listing))
}

fn listing(row: &Row) -> UserListing {
    UserListing {
        id: row.get(0),
        uid: row.get(1),
        email: row.get(2),
        role: row.get(3),
        projects: row.get(4),
        has_password: row.get(5),
        invited_until: row.get(6),
        created_at: row.get(7),
        created_by: row.get(8),
        disabled_at: row.get(9),
    }
}

/// The user to whom a key belongs, and the role of the key.
#[derive(Debug, Clone)]
pub struct KeyUser {
    /// Public name.
    pub uid: String,
    /// Address.
    pub email: String,
    /// Its own role, as stored.
    pub role: String,
    /// The role of the key, as stored.
    pub key_role: String,
}

/// The user of a key; `None` when the key belongs to nobody or was deleted, or the user is disabled.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn of_key(client: &Client, key: Uuid) -> Result<Option<KeyUser>, StoreError> {
    let row = client.query_opt(sql!("user_of_key"), &[&key]).await?;
    Ok(row.map(|row| KeyUser { uid: row.get(0), email: row.get(1), role: row.get(2), key_role: row.get(3) }))
}

/// Changes which projects a user sees, by uid and each once; `None` is all of them. Its keys see the same. `false` when there is no
/// user of this address, or one of the projects does not exist; nothing is changed then.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn see(
    client: &mut Client,
    email: &str,
    projects: Option<&[String]>,
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "user_see").await?;
    let rows = tx.query(sql!("user_projects"), &[&email, &projects]).await?;
    let Some(user) = rows.first() else { return Ok(false) };
    tx.execute(sql!("user_keys_touch"), &[&user.get::<_, i64>(0)]).await?;
    audit::write(&tx, actor, "user.change", user.get(1), &seen(projects)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Disables a user and ends its keys and its one-time link; answers how many keys that were, or `None` when there is no user of this
/// address. A user that is disabled already stays so.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn disable(
    client: &mut Client,
    email: &str,
    actor: Actor<'_>,
) -> Result<Option<usize>, StoreError> {
    let tx = Tx::begin(client, "user_disable").await?;
    let rows = tx.query(sql!("user_disable"), &[&email]).await?;
    let Some(user) = rows.first() else { return Ok(None) };
    audit::write(&tx, actor, "user.disable", user.get(1), "").await?;
    // In a statement of its own: it sees the keys of those for whom the first one waited.
    let keys = tx.query(sql!("user_keys_revoke"), &[&user.get::<_, i64>(0)]).await?;
    for key in &keys {
        let note = format!("{} {}", key.get::<_, &str>(1), key.get::<_, &str>(2));
        audit::write(&tx, actor, "key.revoke", &key.get::<_, Uuid>(0).to_string(), &note).await?;
    }
    tx.commit().await?;
    Ok(Some(keys.len()))
}

/// Enables a user again; the keys that ended with it stay ended. `false` when there is no user of this address.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn enable(client: &mut Client, email: &str, actor: Actor<'_>) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "user_enable").await?;
    let rows = tx.query(sql!("user_enable"), &[&email]).await?;
    let Some(user) = rows.first() else { return Ok(false) };
    audit::write(&tx, actor, "user.enable", user.get(0), "").await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives a user a new one-time link; the one before it no longer holds. A password that was set stays until another is. `false` when
/// there is no user of this address, or it is disabled.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn invite(
    client: &mut Client,
    email: &str,
    invitation: Invitation,
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "user_invite").await?;
    let rows = tx.query(sql!("user_invite"), &[&email, &&invitation.hash[..], &invitation.until]).await?;
    let Some(user) = rows.first() else { return Ok(false) };
    audit::write(&tx, actor, "user.invite", user.get(0), &format!("until {}", invitation.until)).await?;
    tx.commit().await?;
    Ok(true)
}

/// The address of the user whose one-time link this is; `None` when it does not hold at that time: used, replaced, over, or of a user
/// that is disabled.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn invited(client: &Client, hash: [u8; 32], now: Timestamp) -> Result<Option<String>, StoreError> {
    let row = client.query_opt(sql!("user_invited"), &[&&hash[..], &now]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Sets a password, an Argon2id hash in PHC form, by a one-time link, which is used up by that; `false` when it does not hold, as in
/// [`invited`]. `from` is the prefix of the address that it came from.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn accept(
    client: &mut Client,
    hash: [u8; 32],
    now: Timestamp,
    password: &str,
    from: &str,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "user_accept").await?;
    let rows = tx.query(sql!("user_accept"), &[&&hash[..], &now, &password]).await?;
    let Some(user) = rows.first() else { return Ok(false) };
    let uid: &str = user.get(0);
    let who = format!("user {uid}");
    audit::write(&tx, Actor { who: &who, from, key: None }, "user.password", uid, "by a one-time link")
        .await?;
    tx.commit().await?;
    Ok(true)
}
