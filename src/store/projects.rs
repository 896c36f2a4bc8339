//! The organization and its projects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::{Client, types::ToSql};

use super::{
    StoreError,
    audit::{self, Actor},
    changes::{limits, limits_json},
    keys,
    tx::Tx,
    webhooks,
};
use crate::domain::settings::ProjectPatch;

/// Makes the organization where there is none yet, and gives it `name` where one is asked for.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn ensure_organization(client: &Client, uid: &str, name: Option<&str>) -> Result<(), StoreError> {
    client.execute(sql!("organization_ensure"), &[&uid, &name]).await?;
    if let Some(name) = name {
        client.execute(sql!("organization_rename"), &[&name]).await?;
    }
    Ok(())
}

/// A project as lists show it.
#[derive(Debug, Clone)]
pub struct ProjectListing {
    /// Public name.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// BCP 47 tag.
    pub locale: String,
    /// IANA name.
    pub timezone: String,
    /// Overrides: class → requests per minute.
    pub limits: BTreeMap<String, u64>,
    /// Days for which it keeps what it received; `None` is for ever.
    pub retention_days: Option<i32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Makes a project.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn create(client: &mut Client, uid: &str, name: &str, actor: Actor<'_>) -> Result<(), StoreError> {
    let tx = Tx::begin(client, "project_create").await?;
    if tx.query(sql!("project_insert"), &[&uid, &name]).await?.is_empty() {
        return Err(StoreError::Content("the database has no organization: run `tidegate migrate`".into()));
    }
    audit::write(&tx, actor, "project.create", uid, name).await?;
    tx.commit().await
}

/// Key of the advisory lock under which the first project is made; any number, as long as it never changes.
const FIRST: i64 = 0x7469_6465_6465_6d6f;

/// Waits until nobody else is about to make a first project, and keeps others waiting until the connection ends.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn lock_first(client: &Client) -> Result<(), StoreError> {
    client.execute("select pg_advisory_lock($1)", &[&FIRST]).await?;
    Ok(())
}

/// Lists the projects that exist.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(client: &Client) -> Result<Vec<ProjectListing>, StoreError> {
    let rows = client.query(sql!("project_list"), &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(ProjectListing {
                uid: row.get(1),
                name: row.get(2),
                locale: row.get(3),
                timezone: row.get(4),
                limits: limits(row.get(5))?,
                retention_days: row.get(8),
                created_at: row.get(6),
                updated_at: row.get(7),
            })
        })
        .collect()
}

/// The row of a project; `None` when there is none of this uid.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn row(client: &Client, uid: &str) -> Result<Option<i64>, StoreError> {
    Ok(client.query_opt(sql!("project_row"), &[&uid]).await?.map(|row| row.get(0)))
}

/// Changes a project; `false` when there is none of this uid.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn change(
    client: &mut Client,
    uid: &str,
    patch: &ProjectPatch,
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let limits = limits_json(&patch.limits);
    let tx = Tx::begin(client, "project_change").await?;
    let (retention_changes, retention) = (patch.retention.is_some(), patch.retention.flatten());
    let values: [&(dyn ToSql + Sync); 7] =
        [&uid, &patch.name, &patch.locale, &patch.timezone, &limits, &retention_changes, &retention];
    let found = tx.execute(sql!("project_change"), &values).await? > 0;
    if found {
        audit::write(&tx, actor, "project.change", uid, &patch.to_string()).await?;
    }
    tx.commit().await?;
    Ok(found)
}

/// Deletes a project with its datasources and all keys to them; `false` when there is none of this uid. What it holds is gone for
/// every reader at once; its rows are removed behind this.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn delete(client: &mut Client, uid: &str, actor: Actor<'_>) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "project_delete").await?;
    let rows = tx.query(sql!("project_delete"), &[&uid]).await?;
    let Some(project) = rows.first().map(|row| row.get::<_, i64>(0)) else { return Ok(false) };
    audit::write(&tx, actor, "project.delete", uid, "").await?;
    tx.execute(sql!("project_delete_datasources"), &[&project]).await?;
    let ended = tx.query(sql!("project_delete_keys"), &[&project]).await?;
    keys::ended_with(&tx, &ended, actor).await?;
    webhooks::delete_of_project(&tx, project).await?;
    tx.commit().await?;
    Ok(true)
}
