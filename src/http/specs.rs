//! The catalogue: what contacts and events can carry.

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;

use super::{
    answer::Answer,
    door::Guest,
    problem::{Code, Problem},
    wire::{AttributeShape, EventShape, ParameterShape, Specs},
};

/// `GET …/stream/specs/attributes`.
pub(super) fn attributes(guest: &Guest) -> Result<Answer, Problem> {
    Answer::ok(&Specs { specs: guest.catalogue().attributes().iter().map(AttributeShape::from).collect() })
}

/// `GET …/stream/specs/events`.
pub(super) fn events(guest: &Guest) -> Result<Answer, Problem> {
    Answer::ok(&Specs { specs: guest.catalogue().events().iter().map(EventShape::from).collect() })
}

/// `GET …/stream/specs/event-parameters/{event_type}`.
pub(super) fn parameters(request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    let raw = request.uri().path().rsplit('/').next().unwrap_or_default();
    let event_type = percent_decode_str(raw).decode_utf8_lossy();
    let Some(spec) = guest.catalogue().event(&event_type) else {
        return Err(Problem::plain(Code::EventTypeNotFound));
    };
    Answer::ok(&Specs { specs: spec.parameters.iter().map(ParameterShape::from).collect() })
}
