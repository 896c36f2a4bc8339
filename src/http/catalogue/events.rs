//! Types of events that a project declares.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};

use super::{
    super::{
        answer::Answer,
        door::Member,
        intake::{self, segment},
        manage,
        problem::{Code, Problem},
        state::State,
        wire::{EntityAnswer, EventChange, EventShape, NewEvent},
    },
    refused, sound, taken_back,
};
use crate::{
    domain::{
        declare::{EventPatch, event_faults},
        spec::{Declared, EventSpec},
    },
    store::specs::{self, Which},
};

/// `POST /v1/project/{project}/specs/events`.
pub(in crate::http) async fn declare(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let body: NewEvent = intake::object(state, request, payload).await?;
    let uid = body.uid.clone();
    let spec = EventPatch::from(body).declare(&uid);
    sound(event_faults(&spec, &state.caps))?;
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let (which, most) = (Which::Event(&spec.uid), state.caps.declared);
    manage::write(state, async |client| specs::declare(client, project, which, &spec, most, &actor).await)
        .await?
        .map_err(|why| refused(why, Code::EventTypeNotFound))?;
    Answer::with(StatusCode::CREATED, &EntityAnswer { entity: EventShape::from(&spec) })
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
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let which = Which::Event(&name);
    let judge = |spec: &mut EventSpec| {
        patch.apply(spec);
        sound(event_faults(spec, &state.caps))
    };
    let spec =
        manage::write(state, async |client| specs::change(client, project, which, judge, &actor).await)
            .await?
            .map_err(|why| refused(why, Code::EventTypeNotFound))??;
    Answer::ok(&EntityAnswer { entity: EventShape::from(&spec) })
}

/// `DELETE /v1/project/{project}/specs/events/{event_type}`.
pub(in crate::http) async fn remove(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let name = segment(request, "event_type")?;
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let which = Which::Event(&name);
    let judge = |specs: &[Declared]| taken_back(&member.caller, specs);
    let spec: EventSpec =
        manage::write(state, async |client| specs::remove(client, project, which, judge, &actor).await)
            .await?
            .map_err(|why| refused(why, Code::EventTypeNotFound))??;
    Answer::ok(&EntityAnswer { entity: EventShape::from(&spec) })
}
