//! What a project declares of its own: attributes, types of events, parameters; each declared, changed and taken back.
//!
//! Promises that what is answered is in force on this node, and within a second on every other one.
//! Must not know the rules for names and texts, nor how specs are stored.

pub(super) mod attributes;

pub(super) mod events;

pub(super) mod parameters;

use actix_web::{HttpRequest, http::StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    answer::Answer,
    door::{self, Member},
    intake, manage,
    problem::{Code, Problem},
    state::State,
    wire::EntityAnswer,
};
use crate::{
    auth::{Caller, scope::Scope},
    domain::{
        rejection::{Fault, Rejection},
        spec::{DataType, Declared},
    },
    store::{
        idempotency::Repeatable,
        specs::{self, Unchanged, Which},
    },
    stream::mask,
};

/// Stores a new spec and answers its shape.
async fn add(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    which: Which<'_>,
    spec: &impl Serialize,
    shape: impl Serialize,
    repeatable: Option<Repeatable>,
) -> Result<Answer, Problem> {
    let (project, acting) = (member.project.uid.as_str(), manage::acting(state, request, &member.caller));
    let most = state.caps.declared;
    let answer = Answer::with(StatusCode::CREATED, &EntityAnswer { entity: shape })?;
    manage::create(state, "spec_declare", repeatable, async |tx| {
        let made = specs::insert(tx, project, which, spec, most, acting.actor()).await?;
        Ok(made.map(|()| answer).map_err(|why| refused(why, which)))
    })
    .await
}

/// Changes a spec, unless `judge` refuses what comes of it.
async fn alter<S: Serialize + DeserializeOwned>(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    which: Which<'_>,
    judge: impl FnOnce(&mut S) -> Result<(), Problem>,
) -> Result<S, Problem> {
    let (project, acting) = (member.project.uid.as_str(), manage::acting(state, request, &member.caller));
    manage::write(state, async |client| specs::change(client, project, which, judge, acting.actor()).await)
        .await?
        .map_err(|why| refused(why, which))?
}

/// Takes a spec back, with the parameters of a type of event.
async fn take_back<S: DeserializeOwned>(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    which: Which<'_>,
) -> Result<S, Problem> {
    let (project, acting) = (member.project.uid.as_str(), manage::acting(state, request, &member.caller));
    let judge = |specs: &[Declared]| taken_back(&member.caller, specs);
    manage::write(state, async |client| specs::remove(client, project, which, judge, acting.actor()).await)
        .await?
        .map_err(|why| refused(why, which))?
}

/// The problem behind a spec that stays as it is.
fn refused(why: Unchanged, which: Which<'_>) -> Problem {
    Problem::plain(match (why, which) {
        (Unchanged::NoProject, _) => Code::NotFound,
        (Unchanged::Taken, _) => Code::AlreadyExists,
        (Unchanged::BuiltIn, _) => Code::BuiltIn,
        (Unchanged::Absent, Which::Attribute(_)) => Code::AttributeNotFound,
        (Unchanged::Absent, Which::Parameter { .. }) => Code::ParameterNotFound,
        (Unchanged::Absent, Which::Event(_)) | (Unchanged::NoEventType, _) => Code::EventTypeNotFound,
        (Unchanged::Full, _) => Code::TooManySpecs,
    })
}

/// Refuses a spec with faults.
fn sound(faults: Vec<Fault>) -> Result<(), Problem> {
    Rejection::from_faults(faults).map_or(Ok(()), |rejection| Err(intake::invalid(&rejection)))
}

/// Refuses to take a masked type away from values, unless the caller may see those values unmasked.
fn retyped(caller: &Caller, before: DataType, after: Option<DataType>) -> Result<(), Problem> {
    let shown = Scope::ProjectAudienceDataBasic;
    let lifts = mask::is_masked(before) && after != Some(before);
    if lifts && !caller.may(shown) { Err(door::lacks(shown)) } else { Ok(()) }
}

/// Refuses, like [`retyped`], to take these specs back.
fn taken_back(caller: &Caller, specs: &[Declared]) -> Result<(), Problem> {
    specs.iter().try_for_each(|spec| match spec {
        Declared::Attribute(spec) => retyped(caller, spec.data_type, None),
        Declared::Parameter { spec, .. } => retyped(caller, spec.data_type, None),
        Declared::Event(_) => Ok(()),
    })
}
