//! What a project declares of its own: attributes, types of events, parameters; each declared, changed and taken back.
//!
//! Promises that what is answered is in force on this node, and within a second on every other one.
//! Must not know the rules for names and texts, nor how specs are stored.

pub(super) mod attributes;

pub(super) mod events;

pub(super) mod parameters;

use super::{
    intake,
    problem::{Code, Problem},
};
use crate::{
    domain::rejection::{Fault, Rejection},
    store::specs::Unchanged,
};

/// The problem behind a spec that stays as it is; `absent` is what to say where there is none.
fn refused(why: Unchanged, absent: Code) -> Problem {
    Problem::plain(match why {
        Unchanged::NoProject => Code::NotFound,
        Unchanged::Taken => Code::AlreadyExists,
        Unchanged::BuiltIn => Code::BuiltIn,
        Unchanged::Absent => absent,
        Unchanged::NoEventType => Code::EventTypeNotFound,
        Unchanged::Full => Code::TooManySpecs,
    })
}

/// Refuses a spec with faults.
fn sound(faults: Vec<Fault>) -> Result<(), Problem> {
    Rejection::from_faults(faults).map_or(Ok(()), |rejection| Err(intake::invalid(&rejection)))
}
