//! Making a personal key: it belongs to one user and carries a role that is no wider than the user's.

use tokio_postgres::Client;

use super::{
    mint::{self, Minted},
    scope::Role,
    text::Kind,
};
use crate::{
    domain::clock::Entropy,
    store::{
        StoreError,
        audit::Actor,
        keys::{self, NewKey},
    },
};

/// What a new personal key is for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Uid of the user it belongs to.
    pub user: &'a str,
    /// A name for people.
    pub name: &'a str,
    /// What it is for, for people.
    pub description: &'a str,
    /// What it may do, on the projects that its user sees.
    pub role: Role,
}

/// Makes a personal key and stores it; `None` when there is no such user, or it is disabled. That the role is no wider than the user's
/// is for the caller to see to.
///
/// # Errors
/// [`StoreError`] when the database refuses or the generator fails.
pub async fn mint(
    client: &mut Client,
    request: &Request<'_>,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Option<Minted>, StoreError> {
    let minted = mint::draw(Kind::Personal, entropy)?;
    let scopes = request.role.scopes().names();
    let row = NewKey {
        id: minted.id,
        kind: Kind::Personal.name(),
        hash: minted.text.hash(),
        prefix: &minted.prefix,
        name: request.name,
        description: request.description,
        role: Some(request.role.name()),
        scopes: &scopes,
        sealed: None,
        project: None,
        datasource: None,
        user: Some(request.user),
        expires_at: None,
    };
    Ok(keys::create(client, &row, actor).await?.then_some(minted))
}
