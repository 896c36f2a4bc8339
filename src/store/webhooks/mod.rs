//! Endpoints of webhooks: made, listed, changed, deleted; their secrets are sealed.
//!
//! Promises that a change reaches whoever delivers within a tick, by the generation, and that no secret misses a rotation of the
//! secret key. Must not know what a secret or a signature is, or which addresses are dialled.

pub mod record;

pub mod work;

use jiff::Timestamp;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::{StoreError, audit, audit::Actor, caller, sealed, tx::Tx};
use crate::domain::cursor::Cursor;

/// The most endpoints of one project.
pub const MOST: i64 = 100;

/// An endpoint, as those who manage it see it.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Row.
    pub id: Uuid,
    /// Uid of the project.
    pub project: String,
    /// Where messages go.
    pub url: String,
    /// Which types of item, as patterns; empty for all.
    pub types: Vec<String>,
    /// Uids of the datasources; `None` for all.
    pub datasources: Option<Vec<String>>,
    /// What it is for.
    pub description: String,
    /// Whether messages are sent.
    pub enabled: bool,
    /// The most messages under way at once; one keeps the order.
    pub parallel: i32,
    /// Whether contacts are shown whole.
    pub whole: bool,
    /// The secret, encrypted.
    pub sealed: Vec<u8>,
    /// The secret before it, encrypted, which signs as well until then.
    pub before: Option<(Vec<u8>, Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How far it is.
    pub position: Cursor,
    /// Why it is disabled, where nobody did that by hand.
    pub disabled_reason: Option<String>,
    /// When it last had to pass over what is no longer kept.
    pub skipped_at: Option<Timestamp>,
    /// Attempts that failed since one succeeded.
    pub failures: i32,
    /// When an attempt last succeeded.
    pub success_at: Option<Timestamp>,
    /// When one last failed.
    pub failure_at: Option<Timestamp>,
    /// Messages that wait to be sent again.
    pub pending: i64,
    /// Messages that were given up.
    pub dead_letters: i64,
}

impl Webhook {
    fn of(row: &Row) -> Self {
        Self {
            id: row.get(0),
            project: row.get(1),
            url: row.get(2),
            types: row.get(3),
            datasources: row.get(4),
            description: row.get(5),
            enabled: row.get(6),
            parallel: row.get(7),
            whole: row.get(8),
            sealed: row.get(9),
            before: row.get::<_, Option<Vec<u8>>>(24).zip(row.get(10)),
            created_at: row.get(11),
            created_by: row.get(12),
            updated_at: row.get(13),
            position: position(row, 14),
            disabled_reason: row.get(17),
            skipped_at: row.get(18),
            failures: row.get(19),
            success_at: row.get(20),
            failure_at: row.get(21),
            pending: row.get(22),
            dead_letters: row.get(23),
        }
    }
}

/// A position in three columns from this one on.
fn position(row: &Row, at: usize) -> Cursor {
    let (epoch, tx, item): (i32, i64, i64) = (row.get(at), row.get(at + 1), row.get(at + 2));
    Cursor { epoch: epoch.cast_unsigned(), tx: tx.cast_unsigned(), id: item.cast_unsigned() }
}

/// The columns of a position.
const fn columns(cursor: Cursor) -> (i32, i64, i64) {
    (cursor.epoch.cast_signed(), cursor.tx.cast_signed(), cursor.id.cast_signed())
}

/// An endpoint to make.
#[derive(Debug, Clone)]
pub struct NewWebhook<'a> {
    /// Row, drawn by the caller.
    pub id: Uuid,
    /// Uid of the project.
    pub project: &'a str,
    /// Where messages go.
    pub url: &'a str,
    /// Which types of item, as patterns; empty for all.
    pub types: &'a [String],
    /// Uids of the datasources; `None` for all.
    pub datasources: Option<&'a [String]>,
    /// What it is for.
    pub description: &'a str,
    /// Whether messages are sent.
    pub enabled: bool,
    /// The most messages under way at once.
    pub parallel: i32,
    /// Whether contacts are shown whole.
    pub whole: bool,
    /// The position behind which it begins.
    pub position: Cursor,
}

/// What to change of an endpoint; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// Where messages go.
    pub url: Option<String>,
    /// Which types of item; empty for all.
    pub types: Option<Vec<String>>,
    /// Uids of the datasources; `Some(None)` for all.
    pub datasources: Option<Option<Vec<String>>>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether messages are sent.
    pub enabled: Option<bool>,
    /// The most messages under way at once.
    pub parallel: Option<i32>,
}

impl WebhookPatch {
    /// The names of what changes, for the audit: an address may hold a secret.
    fn names(&self) -> String {
        let names = [
            ("url", self.url.is_some()),
            ("types", self.types.is_some()),
            ("datasources", self.datasources.is_some()),
            ("description", self.description.is_some()),
            ("enabled", self.enabled == Some(true)),
            ("disabled", self.enabled == Some(false)),
            ("parallel", self.parallel.is_some()),
        ];
        names.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    }
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDone {
    /// There is no such project, or it has no such endpoint.
    Absent,
    /// The project has no datasource of this uid, by its place in the list.
    NoDatasource(usize),
    /// The project has as many endpoints as it may.
    TooMany,
}

/// A page of the endpoints of a project, in the order in which they were made: those behind one, and no more than `limit`. `None` when
/// the one behind which it begins is gone.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn page(
    client: &Client,
    project: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Option<Vec<Webhook>>, StoreError> {
    let none: Option<Uuid> = None;
    let rows = client.query(sql!("webhook_list"), &[&project, &none, &after, &limit]).await?;
    if let (Some(after), true) = (after, rows.is_empty())
        && !client.query_one(sql!("webhook_known"), &[&after]).await?.get::<_, bool>(0)
    {
        return Ok(None);
    }
    Ok(Some(rows.iter().map(Webhook::of).collect()))
}

/// One endpoint, of this project or of any.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn find(client: &Client, project: Option<&str>, id: Uuid) -> Result<Option<Webhook>, StoreError> {
    let none: Option<Uuid> = None;
    let rows = client.query(sql!("webhook_list"), &[&project, &Some(id), &none, &1_i64]).await?;
    Ok(rows.first().map(Webhook::of))
}

/// Makes an endpoint. `seal` is asked for its secret when nobody else seals; its error goes to the caller.
///
/// # Errors
/// [`StoreError`] when the database refuses; that of `seal`. Nothing is made then.
pub async fn create<E: From<StoreError>>(
    client: &mut Client,
    new: &NewWebhook<'_>,
    actor: Actor<'_>,
    seal: impl AsyncFnOnce() -> Result<Vec<u8>, E>,
) -> Result<Result<(), NotDone>, E> {
    let tx = Tx::begin(client, "webhook_create").await?;
    sealed::turn(&tx).await?;
    let rows = tx.query(sql!("webhook_project"), &[&new.project]).await?;
    let Some((project, made)) = rows.first().map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))) else {
        return Ok(Err(NotDone::Absent));
    };
    if made >= MOST {
        return Ok(Err(NotDone::TooMany));
    }
    caller::hold(&tx, actor).await?;
    let datasources = match new.datasources.map(|uids| rows_of(&tx, project, uids)) {
        None => None,
        Some(found) => match found.await? {
            Ok(rows) => Some(rows),
            Err(absent) => return Ok(Err(absent)),
        },
    };
    let sealed = seal().await?;
    let (epoch, xid, item) = columns(new.position);
    let insert = sql!("webhook_insert");
    tx.execute(
        insert,
        &[
            &new.id,
            &project,
            &new.url,
            &new.types,
            &datasources,
            &new.description,
            &new.enabled,
            &new.parallel,
            &new.whole,
            &sealed,
            &actor.who,
            &epoch,
            &xid,
            &item,
        ],
    )
    .await?;
    audit::write(&tx, actor, "webhook.create", &new.id.to_string(), new.description).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// The rows of datasources that a project has.
async fn rows_of(
    tx: &Tx<'_>,
    project: i64,
    uids: &[String],
) -> Result<Result<Vec<i64>, NotDone>, StoreError> {
    let rows = tx.query(sql!("webhook_datasources"), &[&project, &uids]).await?;
    let known: Vec<&str> = rows.iter().map(|row| row.get(1)).collect();
    Ok(match uids.iter().position(|uid| !known.contains(&uid.as_str())) {
        Some(place) => Err(NotDone::NoDatasource(place)),
        None => Ok(rows.iter().map(|row| row.get(0)).collect()),
    })
}

/// The row of the project around an endpoint that is kept for a change, and the sealed secret; `None` when there is none.
async fn locked(tx: &Tx<'_>, project: &str, id: Uuid) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let rows = tx.query(sql!("webhook_lock"), &[&id, &project]).await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// Changes an endpoint of a project. One that is enabled, or gets another address, is tried again at once.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn change(
    client: &mut Client,
    (project, id): (&str, Uuid),
    patch: &WebhookPatch,
    actor: Actor<'_>,
) -> Result<Result<(), NotDone>, StoreError> {
    let tx = Tx::begin(client, "webhook_change").await?;
    let Some((row, _)) = locked(&tx, project, id).await? else { return Ok(Err(NotDone::Absent)) };
    let datasources = match &patch.datasources {
        Some(Some(uids)) => match rows_of(&tx, row, uids).await? {
            Ok(rows) => Some(rows),
            Err(absent) => return Ok(Err(absent)),
        },
        _ => None,
    };
    tx.execute(
        sql!("webhook_change"),
        &[
            &id,
            &patch.url,
            &patch.types,
            &patch.datasources.is_some(),
            &datasources,
            &patch.description,
            &patch.enabled,
            &patch.parallel,
        ],
    )
    .await?;
    if patch.enabled == Some(true) || patch.url.is_some() {
        tx.execute(sql!("webhook_retry"), &[&id]).await?;
    }
    audit::write(&tx, actor, "webhook.change", &id.to_string(), &patch.names()).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Deletes an endpoint of a project, with its log; `false` when there is none.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn delete(
    client: &mut Client,
    (project, id): (&str, Uuid),
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "webhook_delete").await?;
    if locked(&tx, project, id).await?.is_none() {
        return Ok(false);
    }
    // Before it is gone: the line gets its project by it.
    audit::write(&tx, actor, "webhook.delete", &id.to_string(), "").await?;
    tx.execute(sql!("webhook_delete"), &[&id]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Deletes the endpoints of a project that is deleted.
///
/// # Errors
/// As [`Tx::query`].
pub(super) async fn delete_of_project(tx: &Tx<'_>, project: i64) -> Result<(), StoreError> {
    tx.query(sql!("webhook_delete_of_project"), &[&project]).await?;
    Ok(())
}

/// Puts a new secret in the place of the one that signs, which signs besides for so many seconds. `seal` as of [`create`].
///
/// # Errors
/// As [`create`].
pub async fn rotate<E: From<StoreError>>(
    client: &mut Client,
    (project, id): (&str, Uuid),
    overlap: f64,
    actor: Actor<'_>,
    seal: impl AsyncFnOnce() -> Result<Vec<u8>, E>,
) -> Result<Result<(), NotDone>, E> {
    let tx = Tx::begin(client, "webhook_rotate").await?;
    sealed::turn(&tx).await?;
    if locked(&tx, project, id).await?.is_none() {
        return Ok(Err(NotDone::Absent));
    }
    caller::hold(&tx, actor).await?;
    let sealed = seal().await?;
    tx.execute(sql!("webhook_rotate"), &[&id, &sealed, &overlap]).await?;
    audit::write(&tx, actor, "webhook.rotate", &id.to_string(), "").await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Moves every position by as many epochs as a restore moved the lots.
///
/// # Errors
/// As [`Tx::query`].
pub(super) async fn shift(tx: &Tx<'_>, by: i32) -> Result<(), StoreError> {
    tx.execute(sql!("webhook_shift"), &[&by]).await?;
    tx.execute(sql!("webhook_shift_pending"), &[&by]).await?;
    tx.execute(sql!("webhook_shift_dead_letters"), &[&by]).await?;
    Ok(())
}
