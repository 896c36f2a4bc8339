//! Contacts as doors write them: found by a name of theirs or by their own id, merged, made, deleted.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    fields::{defect, raw},
    writing,
};
use crate::{
    domain::{
        contact::ContactDraft, country::Country, email::email, ids::random_uuid, json::unquote, phone::phone,
    },
    http::{
        audience::away,
        contacts,
        door::{Guest, Member},
        problem::{Code, Problem},
        push,
        state::State,
    },
    ingest::{ContactOp, Outcome, Work, fates::Kind},
    store::{
        audience::{self, Match},
        people::{self, Hold, Known, Names},
    },
};

/// What is asked of a contact, by our own names of attributes, `_user_id` aside.
pub(super) type Attributes = BTreeMap<String, Box<RawValue>>;

/// How often a contact is looked for again that was deleted between being found and being written.
const TRIES: usize = 3;

/// Merges attributes into the contact of the project that has one of the names, of several into the one that changed last; makes it
/// where there is none. Two at once for one name make one contact. Answers its own id.
///
/// # Errors
/// 400 `invalid_body` with what is wrong by our own names; as a push otherwise.
pub(super) async fn upsert(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    attributes: &Attributes,
    names: &Names,
) -> Result<Uuid, Problem> {
    let inlet = writing::inlet(state, request, member).await?;
    let (station, member) = (state.clone(), member.clone());
    let (attributes, names) = (attributes.clone(), names.clone());
    // To its end, or who sends it again could look for a contact that is still on its way.
    contacts::to_the_end(state, async move {
        let hold = people::hold(&station.manage, member.project.id, &names).await;
        let mut hold = hold.map_err(|error| away(&station, &error))?;
        let id = upsert_held(&station, &member, &attributes, &names, &inlet, &mut hold).await?;
        hold.let_go().await.map_err(|error| away(&station, &error)).map(|()| id)
    })
    .await
}

async fn upsert_held(
    state: &State,
    member: &Member,
    attributes: &Attributes,
    names: &Names,
    inlet: &Guest,
    hold: &mut Hold,
) -> Result<Uuid, Problem> {
    for _ in 0..TRIES {
        let found = hold.latest(member.project.id, names).await.map_err(|error| away(state, &error))?;
        let Some(Known { key, record }) = found else { return make(state, inlet, attributes).await };
        let Some(home) = writing::home(state, member, key.datasource) else { continue };
        if amend(state, &home, &key.user_id, attributes).await? {
            return Ok(record.contact_id);
        }
    }
    Err(Problem::plain(Code::Overloaded).retry_after(1))
}

/// Makes a contact whose `_user_id` is its own id.
async fn make(state: &State, inlet: &Guest, attributes: &Attributes) -> Result<Uuid, Problem> {
    let contact_id = random_uuid(state.entropy.as_ref()).map_err(|error| {
        tracing::error!(%error, "a contact could not be named");
        Problem::plain(Code::Internal)
    })?;
    let make = |draft| ContactOp::Make { draft, contact_id };
    write(state, inlet, &contact_id.to_string(), attributes, make).await?;
    Ok(contact_id)
}

/// Merges attributes into a contact; `false` where it is not there any more.
///
/// # Errors
/// As [`upsert`].
pub(super) async fn amend(
    state: &State,
    home: &Guest,
    user_id: &str,
    attributes: &Attributes,
) -> Result<bool, Problem> {
    Ok(write(state, home, user_id, attributes, ContactOp::Amend).await? != Outcome::Absent)
}

async fn write(
    state: &State,
    guest: &Guest,
    user_id: &str,
    attributes: &Attributes,
    operation: impl Fn(ContactDraft) -> ContactOp,
) -> Result<Outcome, Problem> {
    let mut item = attributes.clone();
    item.insert("_user_id".to_owned(), raw(user_id)?);
    let text = serde_json::to_string(&[item]).map_err(|error| defect(&error))?;
    let work = |drafts: Vec<ContactDraft>| Work::Contacts(drafts.into_iter().map(operation).collect());
    push::one(state, guest, Kind::Contact, &text, work).await
}

/// The contact of the project with this id of its own.
///
/// # Errors
/// 404 `contact_not_found`; 503 when the store is away.
pub(super) async fn find(state: &State, member: &Member, id: Uuid) -> Result<Match, Problem> {
    let found = audience::by_id(&state.reads, member.project.id, id).await;
    found.map_err(|error| away(state, &error))?.ok_or_else(|| Problem::plain(Code::ContactNotFound))
}

/// Deletes the contact of the project with this id of its own.
///
/// # Errors
/// As [`find`]; as the deletion of a contact otherwise.
pub(super) async fn delete(state: &State, member: &Member, id: Uuid) -> Result<(), Problem> {
    let found = find(state, member, id).await?;
    let home = writing::home(state, member, found.key.datasource)
        .ok_or_else(|| Problem::plain(Code::ContactNotFound))?;
    contacts::delete_one(state, &home, found.key.user_id).await.map(|_| ())
}

/// The names among attributes, as they are stored; what is not valid is no name, and is refused when it is written.
pub(super) fn names(state: &State, member: &Member, attributes: &Attributes) -> Names {
    let sent =
        |name| attributes.get(name).and_then(|value| unquote(value.get()).map(std::borrow::Cow::into_owned));
    let home = writing::first(state, member);
    let country = home.and_then(|guest| Country::parse(guest.datasource.default_country.as_deref()?));
    Names {
        email: sent("_email").and_then(|text| email(&text)).map(|text| text.to_lowercase()),
        phone: sent("_phone_mobile").and_then(|text| phone(&text, country).ok()),
    }
}
