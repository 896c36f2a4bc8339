//! The webhooks of a project: list, make, read, change, delete, and a new secret for one.
//!
//! Promises that a secret is in no answer but the one that made it, and that nobody turns whole contacts to an address of their choice
//! who may not see them. Must not know how messages are signed or delivered.

pub(super) mod activity;

use actix_web::{HttpRequest, http::StatusCode, web::Payload};
use uuid::Uuid;

use super::{
    answer::Answer,
    audience::away,
    door::{self, Member},
    intake::{self, noted},
    manage::{self, acting},
    paging::Page,
    problem::{Code, Problem},
    state::State,
    wire::{EntityAnswer, NewWebhookBody, Next, WebhookChange, WebhookPage, WebhookShape},
};
use crate::{
    auth::{scope::Scope, vault::VaultError},
    domain::{
        mark::List,
        rejection::{Fault, Rejection},
    },
    store::{
        self, StoreError, outbound,
        webhooks::{self, NewWebhook, NotDone, Webhook, WebhookPatch},
    },
    stream::{
        mask::Sight,
        webhooks::{
            rules,
            secrets::{self, SecretError},
            signing::Secret,
            standing::Standing,
        },
    },
};

/// `GET /v1/project/{project}/webhooks`, in the order in which they were made.
pub(super) async fn list(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let page = Page::asked(request, List::Webhooks)?;
    let (project, after) = (Some(member.project.uid.as_str()), page.after.map(Uuid::from_u128));
    let found =
        store::on(&state.reads, async |client| webhooks::page(client, project, after, page.rows()).await)
            .await
            .map_err(|error| away(state, &error))?;
    let mut found = found.ok_or_else(|| {
        let detail = "the webhook after which this page begins is gone; read the list from its beginning";
        Problem::new(Code::InvalidCursor, detail)
    })?;
    let next = page.cut(&mut found, |webhook| webhook.id.as_u128());
    let now = state.clock.now();
    let mut entities = Vec::with_capacity(found.len());
    for webhook in &found {
        entities.push(WebhookShape::of(webhook, Standing::of(webhook, &state.webhooks).await, now));
    }
    Answer::ok(&WebhookPage { entities, metadata: Next { next } })
}

/// `GET …/webhooks/{webhook_id}`.
pub(super) async fn read(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let webhook = find(state, request, member).await?;
    shown(state, StatusCode::OK, &webhook).await
}

/// `POST /v1/project/{project}/webhooks`.
pub(super) async fn create(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let body: NewWebhookBody = intake::object(state, request, payload).await?;
    let mut faults = Vec::new();
    let url = body.url.trim().to_owned();
    noted("url", Some(state.webhooks.judge(&url).await), &mut faults);
    types(&body.types, &mut faults);
    datasources(state, member, body.datasources.as_deref(), &mut faults);
    let description = noted("description", Some(rules::description(&body.description)), &mut faults);
    let parallel = noted("parallel", body.parallel.map(|number| rules::parallel(number.0)), &mut faults);
    if let Some(rejection) = Rejection::from_faults(faults) {
        return Err(intake::invalid(&rejection));
    }
    let new = NewWebhook {
        id: state.webhooks.draw().map_err(|error| refused(&error))?,
        project: member.project.uid.as_str(),
        url: &url,
        types: &body.types,
        datasources: body.datasources.as_deref(),
        description: &description.unwrap_or_default(),
        enabled: body.enabled.unwrap_or(true),
        parallel: parallel.unwrap_or(1),
        whole: Sight::of(&member.caller) == Sight::Whole,
        position: outbound::head(&state.stream).await.map_err(|error| away(state, &error))?,
    };
    let acting = acting(state, request, &member.caller);
    let made = manage::write(state, async |client| {
        let entropy = state.entropy.as_ref();
        settled(secrets::create(client, &state.vault, &new, entropy, acting.actor()).await)
    });
    let secret = made.await?.map_err(|error| refused(&error))?.map_err(not_done)?;
    with_secret(state, StatusCode::CREATED, member, (new.id, &secret)).await
}

/// `PATCH …/webhooks/{webhook_id}`.
pub(super) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let body: WebhookChange = intake::object(state, request, payload).await?;
    let patch = judged(state, member, body).await?;
    let webhook = find(state, request, member).await?;
    if webhook.whole && patch.url.is_some() && Sight::of(&member.caller) == Sight::Masked {
        // Who made it could see contacts whole; who turns it elsewhere must, too.
        return Err(door::lacks(Scope::ProjectAudienceDataBasic));
    }
    let (acting, place) = (acting(state, request, &member.caller), (member.project.uid.as_str(), webhook.id));
    let done =
        manage::write(state, async |client| webhooks::change(client, place, &patch, acting.actor()).await);
    done.await?.map_err(not_done)?;
    let webhook = by_id(state, member, webhook.id).await?;
    shown(state, StatusCode::OK, &webhook).await
}

async fn judged(state: &State, member: &Member, body: WebhookChange) -> Result<WebhookPatch, Problem> {
    let mut faults = Vec::new();
    let url = body.url.map(|url| url.trim().to_owned());
    if let Some(url) = &url {
        noted("url", Some(state.webhooks.judge(url).await), &mut faults);
    }
    types(body.types.as_deref().unwrap_or_default(), &mut faults);
    datasources(state, member, body.datasources.iter().flatten().next().map(Vec::as_slice), &mut faults);
    let patch = WebhookPatch {
        url,
        types: body.types,
        datasources: body.datasources,
        description: noted("description", body.description.as_deref().map(rules::description), &mut faults),
        enabled: body.enabled,
        parallel: noted("parallel", body.parallel.map(|number| rules::parallel(number.0)), &mut faults),
    };
    Rejection::from_faults(faults).map_or(Ok(patch), |rejection| Err(intake::invalid(&rejection)))
}

/// `DELETE …/webhooks/{webhook_id}`: as it stood before.
pub(super) async fn delete(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let webhook = find(state, request, member).await?;
    let (acting, place) = (acting(state, request, &member.caller), (member.project.uid.as_str(), webhook.id));
    let gone = manage::write(state, async |client| webhooks::delete(client, place, acting.actor()).await);
    if !gone.await? {
        return Err(absent());
    }
    shown(state, StatusCode::OK, &webhook).await
}

/// `POST …/webhooks/{webhook_id}/secret/rotate`.
pub(super) async fn rotate(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let webhook = find(state, request, member).await?;
    let (acting, place) = (acting(state, request, &member.caller), (member.project.uid.as_str(), webhook.id));
    let made = manage::write(state, async |client| {
        let entropy = state.entropy.as_ref();
        settled(secrets::rotate(client, &state.vault, place, entropy, acting.actor()).await)
    });
    let secret = made.await?.map_err(|error| refused(&error))?.map_err(not_done)?;
    with_secret(state, StatusCode::OK, member, (webhook.id, &secret)).await
}

fn types(texts: &[String], faults: &mut Vec<Fault>) {
    if let Err((place, rule)) = rules::types(texts) {
        let place = place.map(|place| place.to_string());
        faults.push(Fault::at(["types"].into_iter().chain(place.as_deref()), rule));
    }
}

/// Judges uids of datasources, which must be of the project.
fn datasources(state: &State, member: &Member, uids: Option<&[String]>, faults: &mut Vec<Fault>) {
    if uids.is_some_and(<[String]>::is_empty) {
        let rule =
            "must name at least one datasource; null, or leaving it out of a new webhook, is all of them";
        faults.push(Fault::at(["datasources"], rule));
    }
    let known = state.authority.datasources(&member.project);
    for (place, uid) in uids.unwrap_or_default().iter().enumerate() {
        if !known.iter().any(|datasource| datasource.uid.as_str() == uid) {
            faults.push(foreign(place));
        }
    }
}

fn foreign(place: usize) -> Fault {
    Fault::at(["datasources", &place.to_string()], "is no datasource of this project")
}

/// The webhook that the path names, when it is one of the project's.
async fn find(state: &State, request: &HttpRequest, member: &Member) -> Result<Webhook, Problem> {
    let id: Uuid = intake::segment(request, "webhook_id")?.parse().map_err(|_| absent())?;
    by_id(state, member, id).await
}

async fn by_id(state: &State, member: &Member, id: Uuid) -> Result<Webhook, Problem> {
    let project = Some(member.project.uid.as_str());
    store::on(&state.reads, async |client| webhooks::find(client, project, id).await)
        .await
        .map_err(|error| away(state, &error))?
        .ok_or_else(absent)
}

fn absent() -> Problem {
    Problem::plain(Code::WebhookNotFound)
}

async fn shown(state: &State, status: StatusCode, webhook: &Webhook) -> Result<Answer, Problem> {
    let standing = Standing::of(webhook, &state.webhooks).await;
    Answer::with(status, &EntityAnswer { entity: WebhookShape::of(webhook, standing, state.clock.now()) })
}

/// The answer that made a secret.
async fn with_secret(
    state: &State,
    status: StatusCode,
    member: &Member,
    (id, secret): (Uuid, &Secret),
) -> Result<Answer, Problem> {
    let webhook = by_id(state, member, id).await?;
    let standing = Standing::of(&webhook, &state.webhooks).await;
    let shape = WebhookShape::of(&webhook, standing, state.clock.now()).with_secret(secret.text());
    Answer::with(status, &shape).map(Answer::not_to_be_kept)
}

/// Parts what the store cannot do from what can be answered.
fn settled<T>(outcome: Result<T, SecretError>) -> Result<Result<T, SecretError>, StoreError> {
    match outcome {
        Err(SecretError::Store(error)) => Err(error),
        outcome => Ok(outcome),
    }
}

fn not_done(why: NotDone) -> Problem {
    match why {
        NotDone::Absent => absent(),
        NotDone::NoDatasource(place) => intake::invalid(&Rejection::of(foreign(place))),
        NotDone::TooMany => {
            let detail = format!("a project may have {} webhooks at the most", webhooks::MOST);
            Problem::new(Code::TooManyWebhooks, detail)
        }
    }
}

fn refused(error: &SecretError) -> Problem {
    match error {
        SecretError::Lost => Problem::new(Code::NotRetrievable, secrets::LOST),
        SecretError::Vault(cause @ VaultError::Nowhere) => Problem::new(Code::NoSecretKey, cause.to_string()),
        error => {
            // The text may name a file of the machine.
            tracing::error!(%error, "the secret key cannot be had");
            let detail = "the server cannot read or write its secret key; its log says why";
            Problem::new(Code::NoSecretKey, detail)
        }
    }
}
