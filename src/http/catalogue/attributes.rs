//! Attributes that a project declares.

use actix_web::{HttpRequest, web::Payload};

use super::{
    super::{
        answer::Answer,
        door::Member,
        intake::{self, segment},
        problem::Problem,
        repeat,
        state::State,
        wire::{AttributeChange, AttributeShape, EntityAnswer, NewAttribute},
    },
    add, alter, retyped, sound, take_back,
};
use crate::{
    domain::{
        declare::{AttributePatch, attribute_faults},
        spec::AttributeSpec,
    },
    store::specs::Which,
};

/// `POST /v1/project/{project}/specs/attributes`.
pub(in crate::http) async fn declare(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let (body, repeatable) = repeat::object::<NewAttribute>(state, request, payload, &member.caller).await?;
    let (uid, data_type) = (body.uid.clone(), body.data_type);
    let spec = AttributePatch::from(body).declare(&uid, data_type);
    sound(attribute_faults(&spec, &state.caps))?;
    add(state, request, member, Which::Attribute(&spec.uid), &spec, AttributeShape::from(&spec), repeatable)
        .await
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
    let which = Which::Attribute(&name);
    let judge = |spec: &mut AttributeSpec| {
        let before = spec.data_type;
        patch.apply(spec);
        retyped(&member.caller, before, Some(spec.data_type))?;
        sound(attribute_faults(spec, &state.caps))
    };
    let spec = alter(state, request, member, which, judge).await?;
    Answer::ok(&EntityAnswer { entity: AttributeShape::from(&spec) })
}

/// `DELETE /v1/project/{project}/specs/attributes/{attribute}`.
pub(in crate::http) async fn remove(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let name = segment(request, "attribute")?;
    let which = Which::Attribute(&name);
    let spec: AttributeSpec = take_back(state, request, member, which).await?;
    Answer::ok(&EntityAnswer { entity: AttributeShape::from(&spec) })
}
