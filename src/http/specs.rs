//! The catalogue: what contacts and events of a project can carry.

use actix_web::HttpRequest;

use super::{
    answer::Answer,
    door::{Guest, Member},
    intake::segment,
    problem::{Code, Problem},
    wire::{AttributeShape, EntitiesAnswer, EventShape, ParameterShape, Specs},
};
use crate::domain::catalogue::Catalogue;

/// `GET …/stream/specs/attributes`.
pub(super) fn attributes(guest: &Guest) -> Result<Answer, Problem> {
    Answer::ok(&Specs { specs: attribute_shapes(&guest.project.catalogue) })
}

/// `GET /v1/project/{project}/specs/attributes`.
pub(super) fn list_attributes(member: &Member) -> Result<Answer, Problem> {
    Answer::ok(&EntitiesAnswer { entities: attribute_shapes(&member.project.catalogue) })
}

fn attribute_shapes(catalogue: &Catalogue) -> Vec<AttributeShape<'_>> {
    catalogue.attributes().iter().map(AttributeShape::from).collect()
}

/// `GET …/stream/specs/events`.
pub(super) fn events(guest: &Guest) -> Result<Answer, Problem> {
    Answer::ok(&Specs { specs: event_shapes(&guest.project.catalogue) })
}

/// `GET /v1/project/{project}/specs/events`.
pub(super) fn list_events(member: &Member) -> Result<Answer, Problem> {
    Answer::ok(&EntitiesAnswer { entities: event_shapes(&member.project.catalogue) })
}

fn event_shapes(catalogue: &Catalogue) -> Vec<EventShape<'_>> {
    catalogue.events().iter().map(EventShape::from).collect()
}

/// `GET …/stream/specs/event-parameters/{event_type}`.
pub(super) fn parameters(request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    Answer::ok(&Specs { specs: parameter_shapes(request, &guest.project.catalogue)? })
}

/// `GET /v1/project/{project}/specs/events/{event_type}`.
pub(super) fn list_parameters(request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    Answer::ok(&EntitiesAnswer { entities: parameter_shapes(request, &member.project.catalogue)? })
}

fn parameter_shapes<'c>(
    request: &HttpRequest,
    catalogue: &'c Catalogue,
) -> Result<Vec<ParameterShape<'c>>, Problem> {
    let spec = catalogue.event(&segment(request, "event_type")?);
    let spec = spec.ok_or_else(|| Problem::plain(Code::EventTypeNotFound))?;
    Ok(spec.parameters.iter().map(ParameterShape::from).collect())
}
