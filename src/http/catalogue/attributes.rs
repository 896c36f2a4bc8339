//! Attributes that a project declares.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};

use super::{
    super::{
        answer::Answer,
        door::Member,
        intake::{self, segment},
        manage,
        problem::{Code, Problem},
        state::State,
        wire::{AttributeChange, AttributeShape, EntityAnswer, NewAttribute},
    },
    refused, retyped, sound, taken_back,
};
use crate::{
    domain::{
        declare::{AttributePatch, attribute_faults},
        spec::{AttributeSpec, Declared},
    },
    store::specs::{self, Which},
};

/// `POST /v1/project/{project}/specs/attributes`.
pub(in crate::http) async fn declare(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let body: NewAttribute = intake::object(state, request, payload).await?;
    let (uid, data_type) = (body.uid.clone(), body.data_type);
    let spec = AttributePatch::from(body).declare(&uid, data_type);
    sound(attribute_faults(&spec, &state.caps))?;
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let (which, most) = (Which::Attribute(&spec.uid), state.caps.declared);
    manage::write(state, async |client| specs::declare(client, project, which, &spec, most, &actor).await)
        .await?
        .map_err(|why| refused(why, Code::AttributeNotFound))?;
    Answer::with(StatusCode::CREATED, &EntityAnswer { entity: AttributeShape::from(&spec) })
}

/// `PATCH /v1/project/{project}/specs/attributes/{attribute}`.
pub(in crate::http) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let name = segment(request, "attribute")?;
    let patch: AttributePatch = intake::object::<AttributeChange>(state, request, payload).await?.into();
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let which = Which::Attribute(&name);
    let judge = |spec: &mut AttributeSpec| {
        let before = spec.data_type;
        patch.apply(spec);
        retyped(&member.caller, before, Some(spec.data_type))?;
        sound(attribute_faults(spec, &state.caps))
    };
    let spec =
        manage::write(state, async |client| specs::change(client, project, which, judge, &actor).await)
            .await?
            .map_err(|why| refused(why, Code::AttributeNotFound))??;
    Answer::ok(&EntityAnswer { entity: AttributeShape::from(&spec) })
}

/// `DELETE /v1/project/{project}/specs/attributes/{attribute}`.
pub(in crate::http) async fn remove(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let name = segment(request, "attribute")?;
    let (project, actor) = (member.project.uid.as_str(), manage::actor(&member.caller));
    let which = Which::Attribute(&name);
    let judge = |specs: &[Declared]| taken_back(&member.caller, specs);
    let spec: AttributeSpec =
        manage::write(state, async |client| specs::remove(client, project, which, judge, &actor).await)
            .await?
            .map_err(|why| refused(why, Code::AttributeNotFound))??;
    Answer::ok(&EntityAnswer { entity: AttributeShape::from(&spec) })
}
