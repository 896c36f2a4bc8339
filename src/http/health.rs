//! Whether the process lives, and whether it takes work.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::refuse,
    problem::{Code, Problem},
    state::State,
    trace::RequestId,
};
use crate::store::{
    horizon,
    schema::{self, Standing},
};

/// What `GET /health/…` answers when all is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthAnswer {
    status: Health,
}

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    Live,
    Ready,
}

/// `GET /health/live`: 200 as long as the process can answer at all.
pub(super) fn live() -> HttpResponse {
    HttpResponse::Ok().json(HealthAnswer { status: Health::Live })
}

/// `GET /health/ready`: 503 while the server drains, the store is away, or migrations are pending.
pub(super) async fn ready(state: &State, id: &RequestId) -> HttpResponse {
    match check(state).await {
        Ok(()) => HttpResponse::Ok().json(HealthAnswer { status: Health::Ready }),
        Err(problem) => refuse(&problem.retry_after(1), id, None),
    }
}

async fn check(state: &State) -> Result<(), Problem> {
    if state.traffic.is_leaving() {
        return Err(Problem::plain(Code::Draining));
    }
    if !state.ingest.is_connected() {
        return Err(Problem::new(Code::StoreUnavailable, "no connection that writes is open"));
    }
    match horizon::schema_standing(&state.probes).await {
        // A newer schema is one that this server still works on, or it would lie beyond.
        Ok(Standing::Current | Standing::Newer { .. }) => Ok(()),
        Ok(Standing::Beyond { found }) => {
            let known = schema::known_version();
            tracing::error!(
                found,
                known,
                "the schema was migrated beyond this binary: replace it by a newer one"
            );
            Err(Problem::new(Code::StoreUnavailable, "the database was migrated beyond this server"))
        }
        Ok(Standing::Empty | Standing::Older { .. }) => {
            Err(Problem::new(Code::StoreUnavailable, "migrations are pending"))
        }
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            Err(Problem::new(Code::StoreUnavailable, "the store does not answer"))
        }
    }
}
