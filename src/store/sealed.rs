//! Keys that can be shown again: one live one for each project and kind, with its text encrypted beside it.
//!
//! Whoever seals a text does so in a turn: nobody else seals meanwhile, so that a rotation of the secret key misses none.

use jiff::Timestamp;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::{
    Pool, StoreError,
    audit::{self, Actor},
    caller,
    lease::Lease,
    tx::Tx,
};

/// Key of the advisory lock of a turn; any number, as long as it never changes.
const TURN: i64 = 0x7469_6465_7365_616c;

/// The live key of a kind, as it is stored.
#[derive(Debug, Clone)]
pub struct SealedKey {
    /// Row.
    pub id: Uuid,
    /// The first characters, for display.
    pub prefix: String,
    /// The text, encrypted.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was last used, as far as that is written down.
    pub used_at: Option<Timestamp>,
    /// From where, a prefix of an address.
    pub used_from: Option<String>,
    /// By which program.
    pub used_by: Option<String>,
}

impl SealedKey {
    fn of(row: &Row) -> Option<Self> {
        let id: Option<Uuid> = row.get(0);
        Some(Self {
            id: id?,
            prefix: row.get(1),
            sealed: row.get(2),
            created_at: row.get(3),
            created_by: row.get(4),
            used_at: row.get(5),
            used_from: row.get(6),
            used_by: row.get(7),
        })
    }
}

/// A key to be stored in the place of the live one.
#[derive(Debug, Clone)]
pub struct NewSealedKey<'a> {
    /// Row, drawn by the caller.
    pub id: Uuid,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// The first characters, for display.
    pub prefix: &'a str,
    /// A name for people.
    pub name: &'a str,
    /// Scopes, as stored.
    pub scopes: &'a [&'a str],
    /// The text, encrypted.
    pub sealed: &'a [u8],
}

/// Finds the live key of a kind; `None` when the project does not exist, and within it when it has no such key yet.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn find(pool: &Pool, project: &str, kind: &str) -> Result<Option<Option<SealedKey>>, StoreError> {
    let row = Lease::of(pool).await?.first(sql!("sealed_find"), &[&project, &kind]).await?;
    Ok(row.as_ref().map(SealedKey::of))
}

/// The turn of one who shows or replaces the live key of a project. Dropped without [`Turn::end`], nothing happened.
pub struct Turn<'c> {
    tx: Tx<'c>,
    project: &'c str,
    kind: &'c str,
    live: Option<SealedKey>,
}

impl<'c> Turn<'c> {
    /// Waits for the turn; `None` when the project does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked, or the others take longer than `lock_timeout`.
    pub async fn begin(
        client: &'c mut Client,
        project: &'c str,
        kind: &'c str,
        actor: Actor<'_>,
    ) -> Result<Option<Self>, StoreError> {
        let tx = Tx::begin(client, "sealed_turn").await?;
        turn(&tx).await?;
        if tx.query(sql!("sealed_project"), &[&project]).await?.is_empty() {
            return Ok(None);
        }
        caller::hold(&tx, actor).await?;
        let rows = tx.query(sql!("sealed_find"), &[&project, &kind]).await?;
        let live = rows.first().and_then(SealedKey::of);
        Ok(Some(Self { tx, project, kind, live }))
    }

    /// The live key, where there is one.
    pub fn live(&self) -> Option<&SealedKey> {
        self.live.as_ref()
    }

    /// Ends the live key and stores this one in its place, or as the first.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn put(&mut self, key: &NewSealedKey<'_>, actor: Actor<'_>) -> Result<SealedKey, StoreError> {
        let old = self.live.as_ref().map(|live| live.id);
        if let Some(old) = old {
            self.tx.execute(sql!("sealed_end"), &[&old]).await?;
        }
        let hash: &[u8] = &key.hash;
        let rows = self
            .tx
            .query(
                sql!("sealed_insert"),
                &[
                    &key.id,
                    &self.kind,
                    &hash,
                    &key.prefix,
                    &key.name,
                    &key.scopes,
                    &key.sealed,
                    &self.project,
                    &actor.who,
                    &old,
                ],
            )
            .await?;
        let row = rows.first().ok_or_else(|| StoreError::Content("the project of a turn is gone".into()))?;
        let made = SealedKey {
            id: key.id,
            prefix: key.prefix.to_owned(),
            sealed: key.sealed.to_owned(),
            created_at: row.get(0),
            created_by: actor.who.to_owned(),
            used_at: None,
            used_from: None,
            used_by: None,
        };
        let (action, note) = match old {
            Some(old) => ("key.regenerate", format!("{} {}, replaces {old}", self.kind, key.prefix)),
            None => ("key.create", format!("{} {}", self.kind, key.prefix)),
        };
        audit::write(&self.tx, actor, action, &key.id.to_string(), &note).await?;
        self.live = Some(made.clone());
        Ok(made)
    }

    /// Writes down that the text of the live key is shown.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn reveal(&self, actor: Actor<'_>) -> Result<(), StoreError> {
        let Some(live) = &self.live else { return Ok(()) };
        let note = format!("{} {}", self.kind, live.prefix);
        audit::write(&self.tx, actor, "key.reveal", &live.id.to_string(), &note).await
    }

    /// Commits what was done, and lets the next one have a turn.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn end(self) -> Result<(), StoreError> {
        self.tx.commit().await
    }
}

/// Waits until nobody else seals, and keeps others from it until the transaction ends.
///
/// # Errors
/// As [`Tx::query`].
pub(super) async fn turn(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.query(sql!("sealed_turn"), &[&TURN]).await?;
    Ok(())
}

/// Keeps others from sealing until the connection ends.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn lock(client: &Client) -> Result<(), StoreError> {
    client.execute(sql!("sealed_lock"), &[&TURN]).await?;
    Ok(())
}

/// Does something in one more turn of a rotation, if nothing was sealed under an old secret key since [`reseal`]: `is_old` says of a
/// text that it was. `false` when something was, and nothing is done then.
///
/// The lock of [`lock`] goes with its connection. So that is asked first; nobody else seals until the work is done.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked; nothing is done when that shows before the work.
pub async fn finish<E: From<StoreError>>(
    client: &mut Client,
    is_old: impl Fn(Uuid, &[u8]) -> bool,
    work: impl AsyncFnOnce() -> Result<(), E>,
) -> Result<bool, E> {
    let tx = Tx::begin(client, "sealed_finish").await?;
    turn(&tx).await?;
    let rows = tx.query(sql!("sealed_list"), &[]).await?;
    let hooks = tx.query(sql!("webhook_sealed_list"), &[]).await?;
    let before = hooks.iter().filter_map(|row| Some((row.get(0), row.get::<_, Option<&[u8]>>(2)?)));
    let sealed = rows.iter().chain(&hooks).map(|row| (row.get::<_, Uuid>(0), row.get::<_, &[u8]>(1)));
    if sealed.chain(before).any(|(id, text)| is_old(id, text)) {
        return Ok(false);
    }
    work().await?;
    tx.commit().await?;
    Ok(true)
}

/// What a rotation of the secret key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Keys whose texts were sealed anew, and webhooks whose secrets were.
    pub resealed: usize,
    /// Live keys whose texts no secret key at hand opens, and webhooks whose secrets none does; they stay as they were.
    pub lost: usize,
}

/// Seals the texts of all live keys and the secrets of all webhooks anew, in one transaction, and empties those of dead ones. `again` makes the new form of a
/// text from the old one, or `None` of one that it cannot open.
///
/// # Errors
/// [`StoreError`] when the database refuses or `again` fails; everything is as it was then.
pub async fn reseal(
    client: &mut Client,
    actor: Actor<'_>,
    again: impl Fn(Uuid, &[u8]) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<Resealed, StoreError> {
    let tx = Tx::begin(client, "sealed_reseal").await?;
    turn(&tx).await?;
    tx.execute(sql!("sealed_forget"), &[]).await?;
    let rows = tx.query(sql!("sealed_list"), &[]).await?;
    let (mut ids, mut texts): (Vec<Uuid>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for row in &rows {
        let id: Uuid = row.get(0);
        if let Some(text) = again(id, row.get(1))? {
            ids.push(id);
            texts.push(text);
        }
    }
    tx.execute(sql!("sealed_replace"), &[&ids, &texts]).await?;
    let (hooks, hooks_lost) = reseal_webhooks(&tx, &again).await?;
    let done = Resealed { resealed: ids.len() + hooks, lost: rows.len() - ids.len() + hooks_lost };
    let note = format!("{} keys and secrets sealed anew, {} could not be read", done.resealed, done.lost);
    audit::write(&tx, actor, "secret_key.rotate", "secret-key", &note).await?;
    tx.commit().await?;
    Ok(done)
}

/// The same for the secrets of webhooks: how many were sealed anew, and how many could not be opened.
async fn reseal_webhooks(
    tx: &Tx<'_>,
    again: impl Fn(Uuid, &[u8]) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<(usize, usize), StoreError> {
    let rows = tx.query(sql!("webhook_sealed_list"), &[]).await?;
    let (mut ids, mut secrets, mut before) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let (id, old): (Uuid, Option<&[u8]>) = (row.get(0), row.get(2));
        if let Some(secret) = again(id, row.get(1))? {
            ids.push(id);
            secrets.push(secret);
            before.push(old.map(|old| again(id, old)).transpose()?.flatten());
        }
    }
    tx.execute(sql!("webhook_sealed_replace"), &[&ids, &secrets, &before]).await?;
    Ok((ids.len(), rows.len() - ids.len()))
}
