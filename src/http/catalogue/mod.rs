//! What a project declares of its own: attributes, types of events, parameters; each declared, changed and taken back.
//!
//! Promises that what is answered is in force on this node, and within a second on every other one.
//! Must not know the rules for names and texts, nor how specs are stored.

pub(super) mod attributes;

pub(super) mod events;

pub(super) mod parameters;

use super::{
    door, intake, mask,
    problem::{Code, Problem},
};
use crate::{
    auth::{Caller, scope::Scope},
    domain::{
        rejection::{Fault, Rejection},
        spec::{DataType, Declared},
    },
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

/// Refuses to take a masked type away from values, unless the caller may see those values unmasked.
fn retyped(caller: &Caller, before: DataType, after: Option<DataType>) -> Result<(), Problem> {
    let shown = Scope::ProjectAudienceDataBasic;
    let lifts = mask::is_masked(before) && after != Some(before);
    if lifts && !caller.may(shown) { Err(door::lacks(shown)) } else { Ok(()) }
}

/// Refuses, like [`retyped`], to take these specs back.
fn taken_back(caller: &Caller, specs: &[Declared]) -> Result<(), Problem> {
    specs.iter().try_for_each(|spec| match spec {
        Declared::Attribute(spec) => retyped(caller, spec.data_type, None),
        Declared::Parameter { spec, .. } => retyped(caller, spec.data_type, None),
        Declared::Event(_) => Ok(()),
    })
}
