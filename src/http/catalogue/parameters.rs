//! Parameters of types of events that a project declares.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};

use super::{
    super::{
        answer::Answer,
        door::Member,
        intake::{self, segment},
        manage,
        problem::{Code, Problem},
        state::State,
        wire::{EntityAnswer, NewParameter, ParameterChange, ParameterShape},
    },
    refused, retyped, sound, taken_back,
};
use crate::{
    domain::{
        declare::{ParameterPatch, parameter_faults},
        spec::{Declared, ParameterSpec},
    },
    store::specs::{self, Which},
};

/// `POST /v1/project/{project}/specs/events/{event_type}/parameters`.
pub(in crate::http) async fn declare(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let event_type = &segment(request, "event_type")?;
    let body: NewParameter = intake::object(state, request, payload).await?;
    let (name, data_type) = (body.parameter.clone(), body.data_type);
    let spec = ParameterPatch::from(body).declare(&name, data_type);
    sound(parameter_faults(event_type, &spec, &state.caps))?;
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let (which, most) = (Which::Parameter { event_type, parameter: &spec.parameter }, state.caps.declared);
    manage::write(state, async |client| specs::declare(client, project, which, &spec, most, &actor).await)
        .await?
        .map_err(|why| refused(why, Code::ParameterNotFound))?;
    Answer::with(StatusCode::CREATED, &EntityAnswer { entity: ParameterShape::from(&spec) })
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
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let which = Which::Parameter { event_type, parameter: &name };
    let judge = |spec: &mut ParameterSpec| {
        let before = spec.data_type;
        patch.apply(spec);
        retyped(&member.caller, before, Some(spec.data_type))?;
        sound(parameter_faults(event_type, spec, &state.caps))
    };
    let spec =
        manage::write(state, async |client| specs::change(client, project, which, judge, &actor).await)
            .await?
            .map_err(|why| refused(why, Code::ParameterNotFound))??;
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
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let which = Which::Parameter { event_type, parameter: &name };
    let judge = |specs: &[Declared]| taken_back(&member.caller, specs);
    let spec: ParameterSpec =
        manage::write(state, async |client| specs::remove(client, project, which, judge, &actor).await)
            .await?
            .map_err(|why| refused(why, Code::ParameterNotFound))??;
    Answer::ok(&EntityAnswer { entity: ParameterShape::from(&spec) })
}
