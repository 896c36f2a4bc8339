//! Datasources: the inlets of a project.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::{Client, types::ToSql};

use super::{
    StoreError,
    audit::{self, Actor},
    changes::{self, DatasourceRow, limits, limits_json},
    keys::{self, NewKey},
    tx::Tx,
};
use crate::domain::{budget::Plan, country::Country, ids::Inlet, settings::DatasourcePatch};

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
    /// Which datasource wins where several know the same person; lower first.
    pub priority: i32,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Makes a datasource, with its first token where one is given, in one transaction; `false` when the project does not exist.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn create(
    client: &mut Client,
    datasource: &NewDatasource<'_>,
    token: Option<&NewKey<'_>>,
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "datasource_create").await?;
    if insert(&tx, datasource, actor).await?.is_none() {
        return Ok(false);
    }
    if let Some(token) = token
        && !keys::insert(&tx, token, actor).await?
    {
        return Err(StoreError::Content("the first token's datasource is not there".into()));
    }
    tx.commit().await?;
    Ok(true)
}

/// Makes a datasource inside a larger transaction; `None` when the project does not exist.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn insert(
    tx: &Tx<'_>,
    datasource: &NewDatasource<'_>,
    actor: Actor<'_>,
) -> Result<Option<DatasourceRow>, StoreError> {
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
    let Some(row) = rows.first() else { return Ok(None) };
    audit::write(tx, actor, "datasource.create", datasource.uid, datasource.name).await?;
    changes::datasource(row).map(Some)
}

/// Makes a datasource in a project that has none; `false` when it has one, or does not exist. Of two at once one makes it.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn create_first(
    client: &mut Client,
    datasource: &NewDatasource<'_>,
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "datasource_create").await?;
    if first(&tx, datasource.project).await? != Some(false) {
        return Ok(false);
    }
    insert(&tx, datasource, actor).await?;
    tx.commit().await?;
    Ok(true)
}

/// Holds a project until the end of the transaction, so that its first datasource is made once; answers whether it has one, and
/// `None` where there is no such project.
///
/// # Errors
/// [`StoreError`] when the database refuses.
async fn first(tx: &Tx<'_>, project: &str) -> Result<Option<bool>, StoreError> {
    let held = tx.query(sql!("datasource_first"), &[&project]).await?;
    let Some(row) = held.first().map(|row| row.get::<_, i64>(0)) else { return Ok(None) };
    // A statement of its own: what is seen has to be newer than the wait for the hold.
    let any = tx.query(sql!("datasource_any"), &[&row]).await?;
    Ok(any.first().map(|row| row.get(0)))
}

/// The rows of a datasource and of its project; `None` when there is none of this uid.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn inlet(client: &Client, uid: &str) -> Result<Option<Inlet>, StoreError> {
    let row = client.query_opt(sql!("datasource_inlet"), &[&uid]).await?;
    Ok(row.map(|row| Inlet { project: row.get(0), datasource: row.get(1) }))
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
                priority: row.get(9),
                updated_at: row.get(10),
            })
        })
        .collect()
}

/// Changes a datasource; `false` when there is none of this uid.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn change(
    client: &mut Client,
    uid: &str,
    patch: &DatasourcePatch,
    actor: Actor<'_>,
) -> Result<bool, StoreError> {
    let limits = limits_json(&patch.limits);
    let plan = patch.plan.flatten().map(Plan::name);
    let country = patch.default_country.as_ref().and_then(|country| country.as_ref().map(Country::as_str));
    let values: [&(dyn ToSql + Sync); 9] = [
        &uid,
        &patch.name,
        &patch.plan.is_some(),
        &plan,
        &patch.strict,
        &patch.default_country.is_some(),
        &country,
        &patch.priority,
        &limits,
    ];
    let tx = Tx::begin(client, "datasource_change").await?;
    let found = tx.execute(sql!("datasource_change"), &values).await? > 0;
    if found {
        audit::write(&tx, actor, "datasource.change", uid, &patch.to_string()).await?;
    }
    tx.commit().await?;
    Ok(found)
}

/// Deletes a datasource with its keys; `false` when there is none of this uid. What it holds is gone for every reader at once;
/// its rows are removed behind this.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn delete(client: &mut Client, uid: &str, actor: Actor<'_>) -> Result<bool, StoreError> {
    let tx = Tx::begin(client, "datasource_delete").await?;
    let rows = tx.query(sql!("datasource_delete"), &[&uid]).await?;
    let Some(datasource) = rows.first().map(|row| row.get::<_, i64>(0)) else { return Ok(false) };
    audit::write(&tx, actor, "datasource.delete", uid, "").await?;
    let ended = tx.query(sql!("datasource_delete_keys"), &[&datasource]).await?;
    keys::ended_with(&tx, &ended, actor).await?;
    tx.commit().await?;
    Ok(true)
}
