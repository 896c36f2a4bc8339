//! Parameters of types of events that a project declares.

use actix_web::{HttpRequest, web::Payload};

use super::{
    super::{
        answer::Answer,
        door::Member,
        intake::{self, segment},
        problem::Problem,
        repeat,
        state::State,
        wire::{EntityAnswer, NewParameter, ParameterChange, ParameterShape},
    },
    add, alter, retyped, sound, take_back,
};
use crate::{
    domain::{
        declare::{ParameterPatch, parameter_faults},
        spec::ParameterSpec,
    },
    store::specs::Which,
};

/// `POST /v1/project/{project}/specs/events/{event_type}/parameters`.
pub(in crate::http) async fn declare(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let event_type = &segment(request, "event_type")?;
    let (body, repeatable) = repeat::object::<NewParameter>(state, request, payload, &member.caller).await?;
    let (name, data_type) = (body.parameter.clone(), body.data_type);
    let spec = ParameterPatch::from(body).declare(&name, data_type);
    sound(parameter_faults(event_type, &spec, &state.caps))?;
    add(
        state,
        request,
        member,
        Which::Parameter { event_type, parameter: &spec.parameter },
        &spec,
        ParameterShape::from(&spec),
        repeatable,
    )
    .await
}

/// `PATCH /v1/project/{project}/specs/events/{event_type}/parameters/{parameter}`.
pub(in crate::http) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let event_type = &segment(request, "event_type")?;
    let name = segment(request, "parameter")?;
    let patch: ParameterPatch = intake::object::<ParameterChange>(state, request, payload).await?.into();
    let which = Which::Parameter { event_type, parameter: &name };
    let judge = |spec: &mut ParameterSpec| {
        let before = spec.data_type;
        patch.apply(spec);
        retyped(&member.caller, before, Some(spec.data_type))?;
        sound(parameter_faults(event_type, spec, &state.caps))
    };
    let spec = alter(state, request, member, which, judge).await?;
    Answer::ok(&EntityAnswer { entity: ParameterShape::from(&spec) })
}

/// `DELETE /v1/project/{project}/specs/events/{event_type}/parameters/{parameter}`.
pub(in crate::http) async fn remove(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let event_type = &segment(request, "event_type")?;
    let name = segment(request, "parameter")?;
    let which = Which::Parameter { event_type, parameter: &name };
    let spec: ParameterSpec = take_back(state, request, member, which).await?;
    Answer::ok(&EntityAnswer { entity: ParameterShape::from(&spec) })
}
