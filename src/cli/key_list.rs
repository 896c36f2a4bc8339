//! `tidegate key list` and `tidegate key show`

use jiff::Timestamp;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{print, projects};
use crate::{
    domain::clock::SystemClock,
    store::key_list::{self, Filter, KeyListing, LastUse},
};

/// What to say of an id that no key has.
pub(super) fn no_key(call: &str, id: Uuid) -> String {
    format!("no key has the id {id}; `{call} key list` shows them")
}

/// The key of this id.
pub(super) async fn found(client: &Client, call: &str, id: Uuid) -> anyhow::Result<KeyListing> {
    let found = key_list::find(client, &Filter::default(), id).await?;
    found.ok_or_else(|| anyhow::anyhow!(no_key(call, id)))
}

pub(super) async fn list(
    client: &Client,
    call: &str,
    project: Option<&str>,
    email: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    projects::check(client, call, project).await?;
    let filter = Filter { project, email, ..Filter::default() };
    let keys = key_list::list(client, &filter, None, None).await?;
    let now = SystemClock::shared().now();
    if json {
        return print::json(&keys.iter().map(|key| shape(key, now)).collect::<Vec<_>>());
    }
    let rows = keys.iter().map(|key| row(key, now)).collect();
    let header = ["ID", "KIND", "NAME", "PREFIX", "REACH", "MAY", "CREATED", "LAST USED", "STATE"];
    print::table(&header, rows, "There is no key here yet; making a datasource makes its first token.");
    Ok(())
}

fn row(key: &KeyListing, now: Timestamp) -> Vec<String> {
    vec![
        key.id.to_string(),
        key.kind.clone(),
        key.name.clone(),
        key.prefix.clone(),
        reach(key),
        may(key),
        created(key),
        last_used(key),
        state(key, now),
    ]
}

fn reach(key: &KeyListing) -> String {
    let bound = key.email.as_ref().or(key.datasource.as_ref()).or(key.project.as_ref());
    bound.cloned().unwrap_or_else(|| "all projects".into())
}

fn may(key: &KeyListing) -> String {
    key.role.clone().unwrap_or_else(|| key.scopes.join(" "))
}

fn created(key: &KeyListing) -> String {
    format!("{} by {}", key.created_at, key.created_by)
}

fn last_used(key: &KeyListing) -> String {
    match &key.last_used {
        None => "never".into(),
        Some(LastUse { at, address, .. }) if address.is_empty() => at.to_string(),
        Some(LastUse { at, address, .. }) => format!("{at} from {address}"),
    }
}

fn state(key: &KeyListing, now: Timestamp) -> String {
    let name = key.state(now).name();
    match key.expires_at.filter(|end| *end > now && key.revoked_at.is_none()) {
        Some(end) => format!("{name} until {end}"),
        None => name.into(),
    }
}

pub(super) async fn show(client: &Client, call: &str, id: Uuid, json: bool) -> anyhow::Result<()> {
    let key = found(client, call, id).await?;
    let now = SystemClock::shared().now();
    if json {
        return print::json(&shape(&key, now));
    }
    print::fields(&[
        ("id", key.id.to_string()),
        ("kind", key.kind.clone()),
        ("name", key.name.clone()),
        ("description", key.description.clone()),
        ("prefix", key.prefix.clone()),
        ("reach", reach(&key)),
        ("may", may(&key)),
        ("created", created(&key)),
        ("last used", last_used(&key)),
        ("by", key.last_used.as_ref().map(|used| used.agent.clone()).unwrap_or_default()),
        ("replaces", key.replaces.map(|id| id.to_string()).unwrap_or_default()),
        ("state", state(&key, now)),
    ]);
    Ok(())
}

fn shape(key: &KeyListing, now: Timestamp) -> serde_json::Value {
    let used = key.last_used.as_ref();
    json!({
        "id": key.id,
        "kind": key.kind,
        "name": key.name,
        "description": key.description,
        "role": key.role,
        "scopes": key.scopes,
        "prefix": key.prefix,
        "project": key.project,
        "datasource": key.datasource,
        "user": key.email,
        "createdAt": key.created_at,
        "createdBy": key.created_by,
        "lastUsedAt": used.map(|used| used.at),
        "lastUsedFrom": used.map(|used| &used.address),
        "lastUsedAgent": used.map(|used| &used.agent),
        "expiresAt": key.expires_at,
        "rotatedAt": key.rotated_at,
        "revokedAt": key.revoked_at,
        "replaces": key.replaces,
        "state": key.state(now).name(),
    })
}
