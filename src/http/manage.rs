//! Writing what clients manage: in the database first, then in this node's memory, and only then the answer.

use actix_web::HttpRequest;
use tokio_postgres::Client;

use super::{
    client, door,
    problem::{Code, Problem},
    state::State,
};
use crate::{
    auth::Caller,
    ingest::Refused,
    store::{self, StoreError, audit::Actor},
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

/// Who acts, for the audit.
#[derive(Debug)]
pub(super) struct Acting {
    who: String,
    from: String,
}

impl Acting {
    /// As a change writes it down.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { who: &self.who, from: &self.from }
    }
}

/// Who sent this request: the key by its kind, id and display prefix, and the prefix of the client's address.
pub(super) fn acting(state: &State, request: &HttpRequest, caller: &Caller) -> Acting {
    let key = caller.key();
    Acting {
        who: format!("{} key {} ({})", key.kind.name(), key.id, key.prefix),
        from: client::find(request, &state.proxies).map(|address| address.to_string()).unwrap_or_default(),
    }
}
