//! Datasources: the inlets of a project.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::Client;

use super::{
    StoreError, audit,
    changes::limits,
    keys::{self, NewKey},
    tx::Tx,
};

/// A datasource to be stored.
#[derive(Debug, Clone)]
pub struct NewDatasource<'a> {
    /// Uid of its project.
    pub project: &'a str,
    /// Public name, drawn by the caller.
    pub uid: &'a str,
    /// Display name.
    pub name: &'a str,
    /// Plan, or the organization's.
    pub plan: Option<&'a str>,
    /// Whether undeclared event types are refused.
    pub strict: bool,
    /// ISO 3166-1 alpha-2, for national phone numbers.
    pub default_country: Option<&'a str>,
}

/// A datasource as lists show it.
#[derive(Debug, Clone)]
pub struct DatasourceListing {
    /// Public name.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// Uid of its project.
    pub project: String,
    /// Display name of its project.
    pub project_name: String,
    /// Plan, or the organization's.
    pub plan: Option<String>,
    /// Whether undeclared event types are refused.
    pub strict: bool,
    /// ISO 3166-1 alpha-2.
    pub default_country: Option<String>,
    /// Overrides: class → requests per minute.
    pub limits: BTreeMap<String, u64>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Makes a datasource and its first token in one transaction; `false` when the project does not exist.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn create(
    client: &mut Client,
    datasource: &NewDatasource<'_>,
    token: &NewKey<'_>,
    actor: &str,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "datasource_create").await?;
    let rows = tx
        .query(
            sql!("datasource_insert"),
            &[
                &datasource.project,
                &datasource.uid,
                &datasource.name,
                &datasource.plan,
                &datasource.strict,
                &datasource.default_country,
            ],
        )
        .await?;
    if rows.is_empty() {
        return Ok(false);
    }
    audit::write(&tx, actor, "datasource.create", datasource.uid, datasource.name).await?;
    if !keys::insert(&tx, token, actor).await? {
        return Err(StoreError::Content("the first token's datasource is not there".into()));
    }
    tx.commit().await?;
    Ok(true)
}

/// Lists the datasources that exist, of one project or of all.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(client: &Client, project: Option<&str>) -> Result<Vec<DatasourceListing>, StoreError> {
    let rows = client.query(sql!("datasource_list"), &[&project]).await?;
    rows.iter()
        .map(|row| {
            Ok(DatasourceListing {
                uid: row.get(0),
                name: row.get(1),
                project: row.get(2),
                project_name: row.get(3),
                plan: row.get(4),
                strict: row.get(5),
                default_country: row.get(6),
                limits: limits(row.get(7))?,
                created_at: row.get(8),
            })
        })
        .collect()
}

/// Overrides the budget of one class, in requests per minute; `false` when there is no such datasource.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn set_limit(
    client: &mut Client,
    uid: &str,
    class: &str,
    per_minute: u32,
    actor: &str,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "datasource_limit").await?;
    let touched = tx.execute(sql!("datasource_set_limit"), &[&uid, &class, &i64::from(per_minute)]).await?;
    if touched > 0 {
        audit::write(&tx, actor, "datasource.limit", uid, &format!("{class} {per_minute}/min")).await?;
    }
    tx.commit().await?;
    Ok(touched > 0)
}
