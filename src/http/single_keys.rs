//! The instance key and the event-stream key of a project: state, reveal, regenerate.

use actix_web::HttpRequest;

use super::{
    answer::Answer,
    door::{self, Member},
    manage::{self, Acting},
    problem::{Code, Problem},
    state::State,
    wire::{EntityAnswer, SingleKeyShape},
};
use crate::{
    auth::{
        Reach, grant,
        single::{self, Shown, Single, SingleError},
        vault::VaultError,
    },
    ingest::Refused,
    store::StoreError,
};

/// `GET /v1/project/{project}/instance-key`, and the same of the event stream.
pub(super) async fn read(state: &State, member: &Member, single: Single) -> Result<Answer, Problem> {
    let uid = member.project.uid.as_str();
    let standing = single::standing(&state.manage, &state.vault, uid, single).await;
    let standing = standing.map_err(|error| door::store(state, Refused::of_read(&error)))?;
    let standing = standing.ok_or_else(|| Problem::plain(Code::NotFound))?;
    let obstacle = standing.obstacle.as_ref().map(|obstacle| refused(single, obstacle));
    let note = obstacle.as_ref().map(|problem| &*problem.detail);
    Answer::ok(&EntityAnswer { entity: SingleKeyShape::of(single, uid, standing.live.as_ref(), note) })
}

/// `POST …/reveal`.
pub(super) async fn reveal(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    single: Single,
) -> Result<Answer, Problem> {
    let acting = granted(state, request, member, single)?;
    let place = (member.project.uid.as_str(), single);
    let shown = manage::write(state, async |client| {
        let entropy = state.entropy.as_ref();
        settled(single::reveal(client, &state.vault, place, entropy, acting.actor()).await)
    })
    .await?;
    show(place, shown)
}

/// `POST …/regenerate`.
pub(super) async fn regenerate(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    single: Single,
) -> Result<Answer, Problem> {
    let acting = granted(state, request, member, single)?;
    let place = (member.project.uid.as_str(), single);
    let shown = manage::write(state, async |client| {
        let entropy = state.entropy.as_ref();
        settled(single::regenerate(client, &state.vault, place, entropy, acting.actor()).await)
    })
    .await?;
    show(place, shown)
}

/// Makes sure that the caller may do all that the key may.
fn granted(state: &State, request: &HttpRequest, member: &Member, single: Single) -> Result<Acting, Problem> {
    let scopes = single.kind().fixed_scopes().unwrap_or_default();
    match grant::exceeds(&member.caller, scopes, &Reach::Project(member.project.id)) {
        Some(scope) => Err(door::lacks(scope)),
        None => Ok(manage::acting(state, request, &member.caller)),
    }
}

/// Parts what the store cannot do from what can be answered.
fn settled(outcome: Result<Shown, SingleError>) -> Result<Result<Shown, SingleError>, StoreError> {
    match outcome {
        Err(SingleError::Store(error)) => Err(error),
        outcome => Ok(outcome),
    }
}

fn show((project, single): (&str, Single), shown: Result<Shown, SingleError>) -> Result<Answer, Problem> {
    let Shown { key, text } = shown.map_err(|error| refused(single, &error))?;
    let entity = SingleKeyShape::of(single, project, Some(&key), None).showing(text.reveal());
    Answer::ok(&EntityAnswer { entity }).map(Answer::not_to_be_kept)
}

fn refused(single: Single, error: &SingleError) -> Problem {
    match error {
        SingleError::NoProject => Problem::plain(Code::NotFound),
        SingleError::Lost => Problem::new(Code::NotRetrievable, single::LOST),
        SingleError::Vault(cause @ VaultError::Nowhere) => Problem::new(Code::NoSecretKey, cause.to_string()),
        error => {
            // The text may name a file of the machine.
            tracing::error!(%error, kind = single.kind().name(), "the secret key cannot be had");
            let detail = "the server cannot read or write its secret key; its log says why";
            Problem::new(Code::NoSecretKey, detail)
        }
    }
}
