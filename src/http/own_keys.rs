//! The personal keys of the caller's own user.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};
use uuid::Uuid;

use super::{
    answer::Answer,
    door::{self, Person},
    intake::{self, noted},
    keys::{not_done, overlap, page, shown, with_text},
    manage,
    problem::{Code, Problem},
    state::State,
    wire::NewOwnKey,
};
use crate::{
    auth::{
        grant,
        life::{self, NotDone},
        personal,
        scope::{Role, ScopeSet},
    },
    domain::{rejection::Rejection, settings},
    ingest::Refused,
    store::{
        self,
        key_list::{self, Filter, KeyListing},
        keys::{self, End},
        users,
    },
};

/// The keys of the caller's user.
fn of(person: &Person) -> Filter<'static> {
    Filter { user: Some(person.user), ..Filter::default() }
}

/// `GET /v1/me/keys`, in the order in which they were made.
pub(super) async fn list(state: &State, request: &HttpRequest, person: &Person) -> Result<Answer, Problem> {
    page(state, request, of(person)).await
}

/// `POST /v1/me/keys`.
pub(super) async fn create(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    person: &Person,
) -> Result<Answer, Problem> {
    let (name, description, role) = judged(&intake::object(state, request, payload).await?)?;
    may_give(person, role.scopes())?;
    let acting = manage::acting(state, request, &person.caller);
    let (filter, own) = (of(person), person.caller.key().id);
    let made = manage::write(state, async |client| {
        let Some(user) = users::of_key(client, own).await? else { return Ok(None) };
        let asked = personal::Request { user: &user.uid, name: &name, description: &description, role };
        let minted = personal::mint(client, &asked, state.entropy.as_ref(), acting.actor()).await?;
        let Some(minted) = minted else { return Ok(None) };
        Ok(key_list::find(client, &filter, minted.id).await?.map(|key| (minted, key)))
    });
    // The user was disabled in the meantime.
    let (minted, key) = made.await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    with_text(state, &key, minted.text.reveal())
}

fn judged(body: &NewOwnKey) -> Result<(String, String, Role), Problem> {
    let mut faults = Vec::new();
    let name = noted("name", Some(settings::name(&body.name)), &mut faults);
    let description = noted("description", Some(settings::description(&body.description)), &mut faults);
    let role = noted("role", Some(body.role.parse::<Role>()), &mut faults);
    match (name, description, role) {
        (Some(name), Some(description), Some(role)) => Ok((name, description, role)),
        _ => Err(Rejection::from_faults(faults)
            .map_or_else(|| Problem::plain(Code::InvalidBody), |rejection| intake::invalid(&rejection))),
    }
}

/// `POST /v1/me/keys/{key_id}/rotate`.
pub(super) async fn rotate(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    person: &Person,
) -> Result<Answer, Problem> {
    let overlap = overlap(&intake::object(state, request, payload).await?)?;
    let key = find(state, request, person).await?;
    may_give(person, ScopeSet::from_stored(&key.scopes))?;
    let acting = manage::acting(state, request, &person.caller);
    let (filter, now) = (of(person), state.clock.now());
    let made = manage::write(state, async |client| {
        let actor = acting.actor();
        let rotated = match life::rotate(client, &key, now, overlap, state.entropy.as_ref(), actor).await? {
            Ok(rotated) => rotated,
            Err(why) => return Ok(Err(why)),
        };
        let successor = key_list::find(client, &filter, rotated.minted.id).await?;
        Ok(successor.map(|key| (rotated.minted, key)).ok_or(NotDone::Gone))
    });
    let (minted, successor) = made.await?.map_err(not_done)?;
    with_text(state, &successor, minted.text.reveal())
}

/// `POST /v1/me/keys/{key_id}/revoke`: as it stands afterwards. A key may revoke itself.
pub(super) async fn revoke(state: &State, request: &HttpRequest, person: &Person) -> Result<Answer, Problem> {
    let key = find(state, request, person).await?;
    let acting = manage::acting(state, request, &person.caller);
    let filter = of(person);
    let after = manage::write(state, async |client| {
        keys::end(client, key.id, End::Revoke, acting.actor()).await?;
        key_list::find(client, &filter, key.id).await
    });
    let key = after.await?.ok_or_else(|| Problem::plain(Code::KeyNotFound))?;
    shown(state, StatusCode::OK, &key)
}

/// `DELETE /v1/me/keys/{key_id}`: as it stood before. A key may delete itself.
pub(super) async fn delete(state: &State, request: &HttpRequest, person: &Person) -> Result<Answer, Problem> {
    let key = find(state, request, person).await?;
    let acting = manage::acting(state, request, &person.caller);
    let ended =
        manage::write(state, async |client| keys::end(client, key.id, End::Delete, acting.actor()).await);
    if !ended.await? {
        return Err(Problem::plain(Code::KeyNotFound));
    }
    shown(state, StatusCode::OK, &key)
}

/// The key that the path names, when it is one of the user's.
async fn find(state: &State, request: &HttpRequest, person: &Person) -> Result<KeyListing, Problem> {
    let absent = || Problem::plain(Code::KeyNotFound);
    let id: Uuid = intake::segment(request, "key_id")?.parse().map_err(|_| absent())?;
    let filter = of(person);
    store::on(&state.reads, async |client| key_list::find(client, &filter, id).await)
        .await
        .map_err(|error| door::store(state, Refused::of_read(&error)))?
        .ok_or_else(absent)
}

/// Refuses to make a key of this user that may do what the caller may not.
fn may_give(person: &Person, scopes: ScopeSet) -> Result<(), Problem> {
    let caller = &person.caller;
    match grant::exceeds(caller, scopes, &caller.key().reach) {
        Some(scope) => Err(door::lacks(scope)),
        None => Ok(()),
    }
}
