//! The keys of a project: those bound to it or to one of its datasources.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};
use uuid::Uuid;

use super::{
    answer::Answer,
    door::{self, Member},
    intake::{self, noted},
    manage, new_key,
    paging::Page,
    problem::{Code, Problem},
    state::State,
    wire::{EntityAnswer, KeyChange, KeyPage, KeyRotation, KeyShape, Next},
};
use crate::{
    auth::{
        Reach, grant,
        life::{self, NotDone},
        mint,
        scope::ScopeSet,
    },
    domain::{mark::List, overlap::Overlap, rejection::Rejection, settings},
    ingest::Refused,
    store::{
        self, StoreError,
        key_list::{self, Filter, KeyListing},
        keys::{self, End},
    },
};

/// The keys of the member's project.
fn of(member: &Member) -> Filter<'_> {
    Filter { project: Some(member.project.uid.as_str()), ..Filter::default() }
}

/// `GET …/keys`, in the order in which they were made.
pub(super) async fn list(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    page(state, request, of(member)).await
}

/// The page of a list of keys that the query asks for.
///
/// # Errors
/// As [`Page::asked`]; 400 `invalid_cursor` also for the place of a key that there is no row of.
pub(super) async fn page(
    state: &State,
    request: &HttpRequest,
    filter: Filter<'_>,
) -> Result<Answer, Problem> {
    let page = Page::asked(request, List::Keys)?;
    let (after, rows) = (page.after.map(Uuid::from_u128), page.rows());
    let found = store::on(&state.reads, async |client| key_list::page(client, &filter, after, rows).await)
        .await
        .map_err(|error| door::store(state, Refused::of_read(&error)))?;
    let mut keys = found.ok_or_else(|| {
        let detail = "the key after which this page begins is gone; read the list from its beginning";
        Problem::new(Code::InvalidCursor, detail)
    })?;
    let next = page.cut(&mut keys, |key| key.id.as_u128());
    let now = state.clock.now();
    let entities = keys.iter().map(|key| KeyShape::of(key, now)).collect();
    Answer::ok(&KeyPage { entities, metadata: Next { next } })
}

/// `GET …/keys/{key_id}`.
pub(super) async fn read(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let key = find(state, request, member).await?;
    shown(state, StatusCode::OK, &key)
}

/// `POST …/keys`.
pub(super) async fn create(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let new = new_key::judged(state, member, &intake::object(state, request, payload).await?)?;
    may_give(member, new.grants())?;
    let acting = manage::acting(state, request, &member.caller);
    let filter = of(member);
    let made = manage::write(state, async |client| {
        let asked = new.request(member.project.uid.as_str());
        let Some(minted) = mint::mint(client, &asked, state.entropy.as_ref(), acting.actor()).await? else {
            return Ok(None);
        };
        Ok(key_list::find(client, &filter, minted.id).await?.map(|key| (minted, key)))
    });
    // What it was to be bound to, or the key itself, was deleted in the meantime.
    let (minted, key) = made.await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    with_text(state, &key, minted.text.reveal())
}

/// `PATCH …/keys/{key_id}`.
pub(super) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let body: KeyChange = intake::object(state, request, payload).await?;
    let mut faults = Vec::new();
    let name = noted("name", Some(settings::name(&body.name)), &mut faults).unwrap_or_default();
    if let Some(rejection) = Rejection::from_faults(faults) {
        return Err(intake::invalid(&rejection));
    }
    let key = find(state, request, member).await?;
    let acting = manage::acting(state, request, &member.caller);
    let done =
        manage::write(state, async |client| life::rename(client, &key, &name, acting.actor()).await).await?;
    done.map_err(not_done)?;
    shown(state, StatusCode::OK, &KeyListing { name, ..key })
}

/// `POST …/keys/{key_id}/rotate`.
pub(super) async fn rotate(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let overlap = overlap(&intake::object(state, request, payload).await?)?;
    let key = find(state, request, member).await?;
    may_give(member, ScopeSet::from_stored(&key.scopes))?;
    let acting = manage::acting(state, request, &member.caller);
    let (filter, now) = (of(member), state.clock.now());
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

/// How long a key that is rotated goes on.
///
/// # Errors
/// 400 `invalid_body` for what is no time from none to 30 days.
pub(super) fn overlap(body: &KeyRotation) -> Result<Overlap, Problem> {
    let mut faults = Vec::new();
    let overlap = noted("overlap", body.overlap.as_deref().map(str::parse), &mut faults);
    match Rejection::from_faults(faults) {
        Some(rejection) => Err(intake::invalid(&rejection)),
        None => Ok(overlap.unwrap_or_default()),
    }
}

/// `POST …/keys/{key_id}/revoke`: as it stands afterwards.
pub(super) async fn revoke(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let key = find(state, request, member).await?;
    let filter = of(member);
    let after = end(state, request, member, key.id, End::Revoke, async |client| {
        key_list::find(client, &filter, key.id).await
    });
    let key = after.await?.ok_or_else(|| Problem::plain(Code::KeyNotFound))?;
    shown(state, StatusCode::OK, &key)
}

/// `DELETE …/keys/{key_id}`: as it stood before.
pub(super) async fn delete(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let key = find(state, request, member).await?;
    end(state, request, member, key.id, End::Delete, async |_client| Ok(())).await?;
    shown(state, StatusCode::OK, &key)
}

/// Ends a key, and asks the same connection for something afterwards.
async fn end<T>(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    id: Uuid,
    how: End,
    then: impl AsyncFnOnce(&mut tokio_postgres::Client) -> Result<T, StoreError>,
) -> Result<T, Problem> {
    let acting = manage::acting(state, request, &member.caller);
    let ended = manage::write(state, async |client| {
        if !keys::end(client, id, how, acting.actor()).await? {
            return Ok(None);
        }
        then(client).await.map(Some)
    });
    ended.await?.ok_or_else(|| Problem::plain(Code::KeyNotFound))
}

/// The key that the path names, when it is one of the project's.
async fn find(state: &State, request: &HttpRequest, member: &Member) -> Result<KeyListing, Problem> {
    let absent = || Problem::plain(Code::KeyNotFound);
    let id: Uuid = intake::segment(request, "key_id")?.parse().map_err(|_| absent())?;
    let filter = of(member);
    store::on(&state.reads, async |client| key_list::find(client, &filter, id).await)
        .await
        .map_err(|error| door::store(state, Refused::of_read(&error)))?
        .ok_or_else(absent)
}

/// Refuses to make a key of this project that may do what the caller may not.
fn may_give(member: &Member, scopes: ScopeSet) -> Result<(), Problem> {
    match grant::exceeds(&member.caller, scopes, &Reach::Project(member.project.id)) {
        Some(scope) => Err(door::lacks(scope)),
        None => Ok(()),
    }
}

/// The problem behind what was not done to a key.
pub(super) fn not_done(why: NotDone) -> Problem {
    match why {
        NotDone::Gone => Problem::plain(Code::KeyNotFound),
        NotDone::State(_) | NotDone::Regenerated => Problem::new(Code::NotRotatable, why.to_string()),
        NotDone::Fixed => Problem::new(Code::NameFixed, why.to_string()),
    }
}

/// The answer that shows a key.
pub(super) fn shown(state: &State, status: StatusCode, key: &KeyListing) -> Result<Answer, Problem> {
    Answer::with(status, &EntityAnswer { entity: KeyShape::of(key, state.clock.now()) })
}

/// The answer that made a key, with its text.
pub(super) fn with_text(state: &State, key: &KeyListing, text: &str) -> Result<Answer, Problem> {
    let entity = KeyShape::of(key, state.clock.now()).with_text(text);
    Ok(Answer::with(StatusCode::CREATED, &EntityAnswer { entity })?.not_to_be_kept())
}
