//! Writing what clients manage: in the database first, then in this node's memory, and only then the answer.

use tokio_postgres::Client;

use super::{
    door,
    problem::{Code, Problem},
    state::State,
};
use crate::{
    auth::Caller,
    ingest::Refused,
    store::{self, StoreError},
};

/// Runs a change on a connection, and lets this node see it before anybody hears of it.
///
/// # Errors
/// 503 when the store is away, which may have been before the change or after it.
pub(super) async fn write<T>(
    state: &State,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, StoreError>,
) -> Result<T, Problem> {
    let outcome = store::on(&state.manage, work).await.map_err(|error| away(state, &error))?;
    state.authority.refresh().await.map_err(|error| away(state, &error))?;
    Ok(outcome)
}

fn away(state: &State, error: &StoreError) -> Problem {
    let mut problem = door::store(state, Refused::of_read(error));
    if problem.code == Code::StoreUnavailable {
        problem.detail =
            "the store cannot be reached, and the change may have been made all the same: read before sending it again"
                .into();
    }
    problem
}

/// Who acts, for the audit: the key by its kind and display prefix.
pub(super) fn actor(caller: &Caller) -> String {
    let key = caller.key();
    format!("{} key {} ({})", key.kind.name(), key.id, key.prefix)
}
