//! Personal keys, made for a user by whoever is at the server.

use anyhow::{Context, bail, ensure};
use tokio_postgres::Client;

use super::opened::ACTOR;
use crate::{
    auth::{
        mint::Minted,
        personal::{self, Request},
        scope::Role,
    },
    domain::clock::SharedEntropy,
    store::users,
};

/// What was asked for: whose key, with which role, and what for.
pub(super) type Wanted<'a> = (&'a str, Role, &'a str);

/// All three, or which one is missing.
pub(super) fn wanted<'a>(
    user: Option<&'a str>,
    role: Option<Role>,
    description: Option<&'a str>,
) -> anyhow::Result<Wanted<'a>> {
    let user = user.context("--user is needed: a personal key belongs to one user, by e-mail address")?;
    let known = Role::ALL.map(Role::name).join(", ");
    let role = role.with_context(|| format!("--role is needed for a personal key: one of {known}"))?;
    let description = description.context("--description is needed: say what the personal key is for")?;
    Ok((user, role, description))
}

/// Makes the key, or says why that user cannot have it.
pub(super) async fn make(
    client: &mut Client,
    entropy: &SharedEntropy,
    call: &str,
    name: &str,
    (email, role, description): Wanted<'_>,
) -> anyhow::Result<Minted> {
    let Some(user) = users::find(client, email).await? else { bail!(no_user(call, email)) };
    ensure!(
        user.disabled_at.is_none(),
        "the user {email} is disabled; `{call} user enable --email {email}` lets it hold keys again"
    );
    let own: Role = user.role.parse().map_err(anyhow::Error::msg)?;
    ensure!(
        own.scopes().covers(role.scopes()),
        "--role {role} is wider than that of the user {email}, which is {own}"
    );
    let request = Request { user: &user.uid, name, description, role };
    let key = personal::mint(client, &request, entropy.as_ref(), ACTOR).await?;
    key.with_context(|| format!("the user {email} was disabled just now; nothing was made"))
}

/// Says that there is no such user, and how to find those there are.
pub(super) fn no_user(call: &str, email: &str) -> String {
    format!("no user has the address {email}; `{call} user list` shows them")
}
