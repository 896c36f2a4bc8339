//! Making a key: its text, its row, and the one moment at which the text can be shown.

use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    scope::Scope,
    text::{KeyText, Kind},
};
use crate::{
    domain::{clock::Entropy, ids::random_uuid},
    store::{
        StoreError,
        audit::Actor,
        datasources::{self, NewDatasource},
        keys::{self, NewKey},
    },
};

/// What a new key is for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Kind.
    pub kind: Kind,
    /// A name for people.
    pub name: &'a str,
    /// Uid of the project to bind to.
    pub project: Option<&'a str>,
    /// Uid of the datasource to bind to.
    pub datasource: Option<&'a str>,
    /// Scopes to grant; left alone by kinds whose scopes are fixed.
    pub scopes: &'a [Scope],
}

/// A key that was just made.
#[derive(Debug)]
pub struct Minted {
    /// Row.
    pub id: Uuid,
    /// The text; it cannot be had again.
    pub text: KeyText,
    /// What lists will show.
    pub prefix: String,
}

/// Makes a key and stores it; `None` when the project or datasource does not exist.
///
/// # Errors
/// [`StoreError`] when the database refuses or the generator fails.
pub async fn mint(
    client: &mut Client,
    request: &Request<'_>,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Option<Minted>, StoreError> {
    let minted = draw(request.kind, entropy)?;
    let scopes = scope_names(request);
    let row = row_of(request, &minted, &scopes);
    Ok(keys::create(client, &row, actor).await?.then_some(minted))
}

/// Makes a datasource with its first token, in one transaction; `None` when the project does not exist.
///
/// # Errors
/// As [`mint`].
pub async fn datasource_with_token(
    client: &mut Client,
    datasource: &NewDatasource<'_>,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Option<Minted>, StoreError> {
    let request = Request {
        kind: Kind::Datasource,
        name: "First token",
        project: Some(datasource.project),
        datasource: Some(datasource.uid),
        scopes: &[],
    };
    let minted = draw(request.kind, entropy)?;
    let scopes = scope_names(&request);
    let row = row_of(&request, &minted, &scopes);
    Ok(datasources::create(client, datasource, Some(&row), actor).await?.then_some(minted))
}

pub(super) fn draw(kind: Kind, entropy: &dyn Entropy) -> Result<Minted, StoreError> {
    let text = KeyText::mint(kind, entropy)?;
    Ok(Minted { id: random_uuid(entropy)?, prefix: text.display_prefix(), text })
}

fn scope_names(request: &Request<'_>) -> Vec<&'static str> {
    match request.kind.fixed_scopes() {
        Some(fixed) => fixed.names(),
        None => request.scopes.iter().map(|scope| scope.name()).collect(),
    }
}

fn row_of<'a>(request: &Request<'a>, minted: &'a Minted, scopes: &'a [&'static str]) -> NewKey<'a> {
    NewKey {
        id: minted.id,
        kind: request.kind.name(),
        hash: minted.text.hash(),
        prefix: &minted.prefix,
        name: request.name,
        scopes,
        description: "",
        role: None,
        sealed: None,
        project: request.project,
        datasource: request.datasource,
        user: None,
        expires_at: None,
    }
}
