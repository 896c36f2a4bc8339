//! Types of events that a project declares.

use actix_web::{HttpRequest, web::Payload};

use super::{
    super::{
        answer::Answer,
        door::Member,
        intake::{self, segment},
        problem::Problem,
        repeat,
        state::State,
        wire::{EntityAnswer, EventChange, EventShape, NewEvent},
    },
    add, alter, sound, take_back,
};
use crate::{
    domain::{
        declare::{EventPatch, event_faults},
        spec::EventSpec,
    },
    store::specs::Which,
};

/// `POST /v1/project/{project}/specs/events`.
pub(in crate::http) async fn declare(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let (body, repeatable) = repeat::object::<NewEvent>(state, request, payload, &member.caller).await?;
    let uid = body.uid.clone();
    let spec = EventPatch::from(body).declare(&uid);
    sound(event_faults(&spec, &state.caps))?;
    add(state, request, member, Which::Event(&spec.uid), &spec, EventShape::from(&spec), repeatable).await
}

/// `PATCH /v1/project/{project}/specs/events/{event_type}`.
pub(in crate::http) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let name = segment(request, "event_type")?;
    let patch: EventPatch = intake::object::<EventChange>(state, request, payload).await?.into();
    let which = Which::Event(&name);
    let judge = |spec: &mut EventSpec| {
        patch.apply(spec);
        sound(event_faults(spec, &state.caps))
    };
    let spec = alter(state, request, member, which, judge).await?;
    Answer::ok(&EntityAnswer { entity: EventShape::from(&spec) })
}

/// `DELETE /v1/project/{project}/specs/events/{event_type}`.
pub(in crate::http) async fn remove(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let name = segment(request, "event_type")?;
    let which = Which::Event(&name);
    let spec: EventSpec = take_back(state, request, member, which).await?;
    Answer::ok(&EntityAnswer { entity: EventShape::from(&spec) })
}
