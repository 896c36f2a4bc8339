//! The cheapest probe of a key, and the totals of a datasource.

use super::{
    answer::Answer,
    door::{self, Guest},
    problem::Problem,
    state::State,
    wire::{DatasourceShape, Probe, Stats},
};
use crate::{
    ingest::Refused,
    store::{StoreError, totals, usage::Usage},
};

/// `GET …/stream`.
pub(super) async fn stream(state: &State, guest: &Guest) -> Result<Answer, Problem> {
    let usage = usage_of(state, guest).await?;
    let organization = state.authority.organization();
    Answer::ok(&Probe {
        organization: organization.as_ref().into(),
        project: guest.project.as_ref().into(),
        datasource: DatasourceShape::of(&guest.datasource, organization.plan, &usage),
        stream: (&usage).into(),
        token: (&guest.caller).into(),
    })
}

/// `GET …/stats`.
pub(super) async fn stats(state: &State, guest: &Guest) -> Result<Answer, Problem> {
    let usage = usage_of(state, guest).await?;
    let inlet = guest.inlet();
    let totals = totals::read(&state.reads, inlet.project, inlet.datasource)
        .await
        .map_err(|error| away(state, &error))?;
    let plan = state.authority.plan();
    Answer::ok(&Stats::of(totals, DatasourceShape::of(&guest.datasource, plan, &usage)))
}

async fn usage_of(state: &State, guest: &Guest) -> Result<Usage, Problem> {
    state.ledger.read(guest.datasource.id).await.map_err(|error| away(state, &error))
}

fn away(state: &State, error: &StoreError) -> Problem {
    door::store(state, Refused::of_read(error))
}
