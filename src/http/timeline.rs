//! What happened to one contact, newest first.

use actix_web::HttpRequest;

use super::{answer::Answer, audience, door::Member, problem::Problem, state::State};

/// `GET …/audience/{contact_id}/events`.
pub(super) async fn page(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let found = audience::find(state, request, member).await?;
    let _home = audience::home(state, member, &found)?;
    Err(Problem::plain(super::problem::Code::NotImplemented))
}
