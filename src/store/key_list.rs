//! Keys as lists show them: how each stands, and when it was last used.

use jiff::Timestamp;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::StoreError;

/// How a key stands. One that was deleted is in no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It holds.
    Live,
    /// It holds until its deadline; its successor is to be used instead.
    Rotated,
    /// It ended by itself.
    Expired,
    /// It was ended.
    Revoked,
}

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Live, Self::Rotated, Self::Expired, Self::Revoked];

    /// The name in answers and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rotated => "rotated",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// How a key with these times stands at a moment.
    pub fn at(
        now: Timestamp,
        revoked_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        rotated_at: Option<Timestamp>,
    ) -> Self {
        match (revoked_at, expires_at, rotated_at) {
            (Some(_), _, _) => Self::Revoked,
            (None, Some(end), _) if end <= now => Self::Expired,
            (None, _, Some(_)) => Self::Rotated,
            (None, _, None) => Self::Live,
        }
    }
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
    /// What it is for; may be empty.
    pub description: String,
    /// Role, as stored; personal keys only.
    pub role: Option<String>,
    /// Scopes, as stored.
    pub scopes: Vec<String>,
    /// Uid of the project it is bound to, or of that around its datasource.
    pub project: Option<String>,
    /// Uid of the datasource it is bound to.
    pub datasource: Option<String>,
    /// Uid of the user it belongs to.
    pub user: Option<String>,
    /// E-mail address of this user.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was rotated.
    pub rotated_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key it is the successor of.
    pub replaces: Option<Uuid>,
    /// When it last opened the door, to about a minute; `None` before the first time.
    pub last_used: Option<LastUse>,
}

/// The last use of a key.
#[derive(Debug, Clone)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where, as a prefix of the address; may be empty.
    pub address: String,
    /// The client's name for itself; may be empty.
    pub agent: String,
}

impl KeyListing {
    /// How it stands at a moment.
    pub fn state(&self, now: Timestamp) -> KeyState {
        KeyState::at(now, self.revoked_at, self.expires_at, self.rotated_at)
    }
}

/// Which keys are listed: those that every given member fits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Bound to the project of this uid, or to one of its datasources.
    pub project: Option<&'a str>,
    /// Belonging to the user of this e-mail address.
    pub email: Option<&'a str>,
    /// Belonging to the user of this row.
    pub user: Option<i64>,
    /// This one key.
    pub id: Option<Uuid>,
}

/// Lists keys that were not deleted, in the order in which they were made: those behind the key `after`, and no more than `limit`
/// (`None`: all of them).
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(
    client: &Client,
    filter: &Filter<'_>,
    after: Option<Uuid>,
    limit: Option<i64>,
) -> Result<Vec<KeyListing>, StoreError> {
    let Filter { project, email, user, id } = filter;
    let rows = client.query(sql!("key_list"), &[project, email, user, id, &after, &limit]).await?;
    Ok(rows.iter().map(listing).collect())
}

/// Lists as [`list`] does; `None` when there is no row of the key `after`, so that nothing can be said of what lies behind it.
///
/// # Errors
/// As [`list`].
pub async fn page(
    client: &Client,
    filter: &Filter<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Option<Vec<KeyListing>>, StoreError> {
    let keys = list(client, filter, after, Some(limit)).await?;
    match after {
        Some(after) if keys.is_empty() => {
            let known: bool = client.query_one(sql!("key_known"), &[&after]).await?.get(0);
            Ok(known.then_some(keys))
        }
        _ => Ok(Some(keys)),
    }
}

/// Finds one key that was not deleted, when it fits the filter.
///
/// # Errors
/// As [`list`].
pub async fn find(client: &Client, filter: &Filter<'_>, id: Uuid) -> Result<Option<KeyListing>, StoreError> {
    let found = list(client, &Filter { id: Some(id), ..*filter }, None, Some(1)).await?;
    Ok(found.into_iter().next())
}

fn listing(row: &Row) -> KeyListing {
    let used_at: Option<Timestamp> = row.get(17);
    KeyListing {
        id: row.get(0),
        kind: row.get(1),
        prefix: row.get(2),
        name: row.get(3),
        description: row.get(4),
        role: row.get(5),
        scopes: row.get(6),
        project: row.get(7),
        datasource: row.get(8),
        user: row.get(9),
        email: row.get(10),
        created_at: row.get(11),
        created_by: row.get(12),
        expires_at: row.get(13),
        rotated_at: row.get(14),
        revoked_at: row.get(15),
        replaces: row.get(16),
        last_used: used_at.map(|at| LastUse { at, address: row.get(18), agent: row.get(19) }),
    }
}
