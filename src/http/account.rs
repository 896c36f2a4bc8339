//! What a key reaches.

use super::{
    answer::Answer,
    problem::Problem,
    state::State,
    wire::{AccountAnswer, Granted, ProjectName, Projects},
};
use crate::auth::Caller;

/// `GET /v1/`.
pub(super) fn projects(state: &State, caller: &Caller) -> Result<Answer, Problem> {
    let inside = state.authority.projects(caller);
    let projects =
        inside.iter().map(|project| ProjectName { uid: project.uid.as_str(), name: &project.name }).collect();
    Answer::ok(&AccountAnswer {
        entity: Projects { projects },
        metadata: Granted { scopes: caller.key().scopes.iter().collect() },
    })
}
