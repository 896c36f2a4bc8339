//! Writing what clients manage: in the database first, then in this node's memory, and only then the answer.

use actix_web::{
    HttpRequest,
    http::header::{HeaderName, HeaderValue},
};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    answer::Answer,
    client, door,
    problem::{Code, Problem},
    state::State,
};
use crate::{
    auth::{Caller, Refusal},
    ingest::Refused,
    store::{
        self, StoreError,
        audit::Actor,
        idempotency::{self, Outcome, Repeatable},
        tx::Tx,
    },
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

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Makes something in a transaction of this name and answers what was made, as [`write()`]; a request that its sender repeats gets the
/// answer that it got.
///
/// # Errors
/// As [`write()`], and those of the work; 409 while the same request is being answered, 422 for another one of the same name.
pub(super) async fn create(
    state: &State,
    name: &'static str,
    repeatable: Option<Repeatable>,
    work: impl AsyncFnOnce(&Tx<'_>) -> Result<Result<Answer, Problem>, StoreError>,
) -> Result<Answer, Problem> {
    let outcome = write(state, async |client| {
        let kept = async |tx: &Tx<'_>| Ok(work(tx).await?.map(Answer::keep));
        idempotency::once(client, name, repeatable.as_ref(), kept).await
    })
    .await?;
    match outcome {
        Outcome::Done(kept) => Ok(Answer::kept(kept)),
        Outcome::Repeated(kept) => Ok(Answer::kept(kept).header(REPLAYED, HeaderValue::from_static("true"))),
        Outcome::InFlight => Err(Problem::plain(Code::IdempotencyInFlight).retry_after(IN_FLIGHT_WAIT)),
        Outcome::Mismatch => Err(Problem::plain(Code::IdempotencyMismatch)),
        Outcome::Refused(problem) => Err(problem),
    }
}

/// Seconds that a client is asked to wait for the answer to its own request.
const IN_FLIGHT_WAIT: u64 = 1;

fn away(state: &State, error: &StoreError) -> Problem {
    if matches!(error, StoreError::CallerEnded) {
        return door::unknown(Refusal::Invalid);
    }
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
    key: Uuid,
}

impl Acting {
    /// As a change writes it down.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { who: &self.who, from: &self.from, key: Some(self.key) }
    }
}

/// Who sent this request: the key by its kind, id and display prefix, and the prefix of the client's address.
pub(super) fn acting(state: &State, request: &HttpRequest, caller: &Caller) -> Acting {
    let key = caller.key();
    Acting {
        who: format!("{} key {} ({})", key.kind.name(), key.id, key.prefix),
        from: client::find(request, &state.proxies).map(|address| address.to_string()).unwrap_or_default(),
        key: key.id,
    }
}
