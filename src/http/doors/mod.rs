//! Doors: the same contacts, events, keys and limits in the shapes of other APIs, each for the kind of key that its clients hold.
//!
//! Promises no second model and no second way in or to write: the project is the key's, what comes in is put into our own form and
//! goes where every push goes, and only the words of an answer differ. Each shape is one file.
//! Must not know SQL, nor what another shape looks like.

pub(super) mod core;

pub(super) mod events;

pub(super) mod personal;

mod fields;

mod listing;

mod person;

mod writing;

mod refusal;

use actix_web::HttpResponse;

use super::{problem::Problem, trace::RequestId};
use crate::{auth::text::Kind, limit::Pass};

/// One of the other shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Core data by instance key.
    Core,
    /// Events by event-stream key.
    Events,
    /// The same events by that key or by instance key.
    Activity,
    /// Contacts and conversations by personal key.
    Personal,
}

impl Door {
    /// Whether keys of this kind are a way in here; any other is as unknown as one that does not exist.
    pub const fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Core => matches!(kind, Kind::Instance),
            Self::Events => matches!(kind, Kind::EventStream),
            Self::Activity => matches!(kind, Kind::EventStream | Kind::Instance),
            Self::Personal => matches!(kind, Kind::Personal),
        }
    }

    /// A problem as a response to the request of this id, in the words of this door.
    pub(super) fn refuse(self, problem: &Problem, id: &RequestId, pass: Option<&Pass>) -> HttpResponse {
        match self {
            Self::Core | Self::Events | Self::Activity => refusal::refuse(problem, pass),
            Self::Personal => personal::refuse(problem, id, pass),
        }
    }
}
