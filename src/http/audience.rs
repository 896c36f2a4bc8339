//! The people of a project: one contact by any of its names, and what happened to it.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::{
    answer::Answer,
    door::{self, Member},
    intake::segment,
    problem::{Code, Problem},
    state::State,
    wire::{Found, Person, PersonAnswer},
};
use crate::{
    auth::Datasource,
    domain::{country::Country, email::email, phone::phone},
    ingest::Refused,
    store::{
        StoreError,
        audience::{self, Match},
    },
    stream::mask::{self, Sight},
};

/// `GET …/audience/user/{user_id}`.
pub(super) async fn by_user(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let user_id = segment(request, "user_id")?;
    person(state, member, audience::by_user(&state.reads, member.project.id, &user_id).await)
}

/// `GET …/audience/search/email/{email}`; upper and lower case are the same.
pub(super) async fn by_email(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let address = email(&segment(request, "email")?)
        .ok_or_else(|| Problem::new(Code::InvalidPath, "the path names no valid e-mail address"))?
        .to_lowercase();
    person(state, member, audience::by_email(&state.reads, member.project.id, &address).await)
}

/// `GET …/audience/search/phone/{phone}`; a national number is completed by the first datasource that has a default country and
/// whose country it fits.
pub(super) async fn by_phone(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let value = segment(request, "phone")?;
    let datasources = state.authority.datasources(&member.project);
    let countries = datasources.iter().filter_map(|one| Country::parse(one.default_country.as_deref()?));
    let tried = std::iter::once(None).chain(countries.map(Some)).map(|country| phone(&value, country));
    let number = tried.reduce(Result::or).unwrap_or(Err("".into()));
    let number =
        number.map_err(|rule| Problem::new(Code::InvalidPath, format!("the value in the path {rule}")))?;
    person(state, member, audience::by_phone(&state.reads, member.project.id, &number).await)
}

/// `GET …/audience/{contactId}`.
pub(super) async fn by_id(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let found = find(state, request, member).await?;
    answer(state, member, &found)
}

/// The contact whose own id is in the path.
pub(super) async fn find(state: &State, request: &HttpRequest, member: &Member) -> Result<Match, Problem> {
    let id = segment(request, "contact_id")?.parse::<Uuid>();
    let id = id.map_err(|_| {
        Problem::new(
            Code::InvalidPath,
            "a contact's own id is a UUID; its _user_id is looked up under /audience/user",
        )
    })?;
    let found = audience::by_id(&state.reads, member.project.id, id).await;
    found.map_err(|error| away(state, &error))?.ok_or_else(|| Problem::plain(Code::ContactNotFound))
}

/// The datasource of a contact; one that was deleted this moment has no contacts.
pub(super) fn home(
    state: &State,
    member: &Member,
    found: &Match,
) -> Result<std::sync::Arc<Datasource>, Problem> {
    let datasources = state.authority.datasources(&member.project);
    let home = datasources.into_iter().find(|one| one.id == found.key.datasource);
    home.ok_or_else(|| Problem::plain(Code::ContactNotFound))
}

fn person(
    state: &State,
    member: &Member,
    found: Result<Option<Match>, StoreError>,
) -> Result<Answer, Problem> {
    let found = found.map_err(|error| away(state, &error))?;
    answer(state, member, &found.ok_or_else(|| Problem::plain(Code::ContactNotFound))?)
}

fn answer(state: &State, member: &Member, found: &Match) -> Result<Answer, Problem> {
    let datasource = home(state, member, found)?;
    let attributes = attributes(member, found).map_err(|error| {
        tracing::error!(%error, "a stored contact is not an object");
        Problem::plain(Code::Internal)
    })?;
    Answer::ok(&PersonAnswer {
        entity: Person { id: found.record.contact_id.to_string(), attributes },
        metadata: Found { datasource: datasource.uid.as_str(), matches: found.matches },
    })
}

/// What the caller may see of a contact, with what the server knows itself. A custom attribute that is called `id` gives way to
/// the contact's own.
fn attributes(member: &Member, found: &Match) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    let record = &found.record;
    let mut attributes =
        mask::seen(Sight::of(&member.caller), &member.project.catalogue, &record.attributes)?;
    attributes.remove("id");
    attributes.insert("_user_id".into(), to_raw_value(&found.key.user_id)?);
    attributes.insert("_contact_id".into(), to_raw_value(&record.contact_id.to_string())?);
    attributes.insert("_created_at".into(), to_raw_value(&record.created_at)?);
    attributes.insert("_updated_at".into(), to_raw_value(&record.updated_at)?);
    Ok(attributes)
}

pub(super) fn away(state: &State, error: &StoreError) -> Problem {
    door::store(state, Refused::of_read(error))
}
