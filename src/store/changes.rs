//! What changed among the organization, projects, datasources and keys since a transaction id: the poll that every node's
//! memory follows.
//!
//! The horizon is read before the rows, and rows are asked for from the horizon of the poll before: a commit that was
//! slow then lies at or above it and is read now.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{StoreError, lease::Lease, specs};
use crate::domain::{settings::LimitPatch, spec::Declared};

/// The organization.
#[derive(Debug, Clone)]
pub struct OrganizationRow {
    /// Public name.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// Plan of datasources that have none of their own.
    pub plan: String,
}

/// A project, the deleted ones too.
#[derive(Debug, Clone)]
pub struct ProjectRow {
    /// Row.
    pub id: i64,
    /// Public name.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// BCP 47 tag.
    pub locale: String,
    /// IANA name.
    pub timezone: String,
    /// Days for which it keeps what it received; `None` is for ever.
    pub retention_days: Option<i32>,
    /// Overrides: class → requests per minute.
    pub limits: BTreeMap<String, u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether it is gone.
    pub deleted: bool,
    /// What it added to the built-in catalogue, in the order in which it did.
    pub declared: Vec<Declared>,
}

/// A datasource, the deleted ones too.
#[derive(Debug, Clone)]
pub struct DatasourceRow {
    /// Row.
    pub id: i64,
    /// Row of its project.
    pub project: i64,
    /// Public name.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// Always `api` today.
    pub kind: String,
    /// Which datasource wins where several know the same person; lower first.
    pub priority: i32,
    /// Its own plan, if it has one.
    pub plan: Option<String>,
    /// Whether undeclared event types are refused.
    pub strict: bool,
    /// ISO 3166-1 alpha-2, for national phone numbers.
    pub default_country: Option<String>,
    /// Overrides: class → requests per minute.
    pub limits: BTreeMap<String, u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether it is gone.
    pub deleted: bool,
    /// Whether pushes are refused, because it is being purged.
    pub closed: bool,
}

/// A key, the dead ones too.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Row.
    pub id: Uuid,
    /// Kind, as stored.
    pub kind: String,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// The first characters, for display.
    pub prefix: String,
    /// The name its maker gave it.
    pub name: String,
    /// Scopes, as stored.
    pub scopes: Vec<String>,
    /// Row of the project it is bound to.
    pub project: Option<i64>,
    /// Row of the datasource it is bound to.
    pub datasource: Option<i64>,
    /// Row of the user it belongs to.
    pub user: Option<i64>,
    /// Rows of the projects that this user sees; `None` is all of them.
    pub user_projects: Option<Vec<i64>>,
    /// When it was rotated.
    pub rotated_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked or deleted.
    pub dead: bool,
}

/// Where a poll stood: a transaction id, and the session that saw it. In another session the id may mean something else, for a
/// cluster that crashed or was replaced gives ids out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Everything below is settled.
    pub xid: i64,
    /// The session's process.
    pub process: i32,
    /// When the session began.
    pub began: Timestamp,
}

/// One poll's findings.
#[derive(Debug)]
pub struct Changes {
    /// Where the next poll starts.
    pub horizon: Horizon,
    /// Whether these are all there is, and not only what changed.
    pub whole: bool,
    /// The organization, changed or not.
    pub organization: OrganizationRow,
    /// Projects that changed.
    pub projects: Vec<ProjectRow>,
    /// Datasources that changed.
    pub datasources: Vec<DatasourceRow>,
    /// Keys that changed.
    pub keys: Vec<KeyRow>,
}

/// Reads what changed since another poll stood, or everything where that was in another session.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked or holds what the schema does not allow.
pub async fn since(pool: &Pool, since: Option<Horizon>) -> Result<Changes, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let now = lease.one(sql!("changes_horizon"), &[]).await?;
    let horizon = Horizon { xid: now.get(0), process: now.get(1), began: now.get(2) };
    let same = |then: &Horizon| (then.process, then.began) == (horizon.process, horizon.began);
    let since = since.filter(|then| same(then) && then.xid <= horizon.xid).map_or(0, |then| then.xid);
    let organization = lease.one(sql!("changes_organization"), &[]).await?;
    let since = since.to_string();
    // Keys first: what a key is bound to is older than the key, so it is found by one of the statements that follow.
    let keys = lease.query(sql!("changes_keys"), &[&since]).await?;
    let datasources = lease.query(sql!("changes_datasources"), &[&since]).await?;
    let projects = lease.query(sql!("changes_projects"), &[&since]).await?;
    let mut projects: Vec<ProjectRow> = projects.iter().map(project).collect::<Result<_, _>>()?;
    declarations(&mut lease, &mut projects).await?;
    Ok(Changes {
        horizon,
        whole: since == "0",
        organization: OrganizationRow {
            uid: organization.get(0),
            name: organization.get(1),
            plan: organization.get(2),
        },
        projects,
        datasources: datasources.iter().map(datasource).collect::<Result<_, _>>()?,
        keys: keys.iter().map(key).collect::<Result<_, _>>()?,
    })
}

/// Reads what these projects declared; they were read before, so that a change in between shows up again in the next poll.
async fn declarations(lease: &mut Lease, projects: &mut [ProjectRow]) -> Result<(), StoreError> {
    let places: HashMap<i64, usize> =
        projects.iter().enumerate().map(|(place, project)| (project.id, place)).collect();
    if places.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = places.keys().copied().collect();
    for row in lease.query(sql!("changes_specs"), &[&ids]).await? {
        if let Some(project) = places.get(&row.get(0)).and_then(|place| projects.get_mut(*place)) {
            project.declared.push(specs::declared(row.get(1), row.get(2), row.get(3))?);
        }
    }
    Ok(())
}

/// Reads the overrides of budgets from their JSON text.
pub(super) fn limits(text: &str) -> Result<BTreeMap<String, u64>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Content(format!("limits: {error}")))
}

/// Writes overrides to lay over stored ones; `null` takes one away.
pub(super) fn limits_json(patch: &LimitPatch) -> String {
    let members = patch.iter().map(|(class, number)| (class.name().to_owned(), (*number).into()));
    serde_json::Value::Object(members.collect()).to_string()
}

fn project(row: &Row) -> Result<ProjectRow, StoreError> {
    Ok(ProjectRow {
        id: row.get(0),
        uid: row.get(1),
        name: row.get(2),
        locale: row.get(3),
        timezone: row.get(4),
        retention_days: row.get(9),
        limits: limits(row.get(5))?,
        created_at: row.get(6),
        updated_at: row.get(7),
        deleted: row.get(8),
        declared: Vec::new(),
    })
}

/// One datasource as the poll reads it.
pub(super) fn datasource(row: &Row) -> Result<DatasourceRow, StoreError> {
    Ok(DatasourceRow {
        id: row.get(0),
        project: row.get(1),
        uid: row.get(2),
        name: row.get(3),
        kind: row.get(4),
        priority: row.get(5),
        plan: row.get(6),
        strict: row.get(7),
        default_country: row.get(8),
        limits: limits(row.get(9))?,
        created_at: row.get(10),
        updated_at: row.get(11),
        deleted: row.get(12),
        closed: row.get(13),
    })
}

fn key(row: &Row) -> Result<KeyRow, StoreError> {
    let hash: &[u8] = row.get(2);
    Ok(KeyRow {
        id: row.get(0),
        kind: row.get(1),
        hash: hash.try_into().map_err(|_| StoreError::Content("a key's hash is not 32 bytes".into()))?,
        prefix: row.get(3),
        name: row.get(4),
        scopes: row.get(5),
        project: row.get(6),
        datasource: row.get(7),
        expires_at: row.get(8),
        dead: row.get(9),
        user: row.get(10),
        user_projects: row.get(11),
        rotated_at: row.get(12),
    })
}
