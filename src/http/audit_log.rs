//! The audit of a project: who did what to it, its datasources and its keys.

use actix_web::HttpRequest;

use super::{
    answer::Answer,
    door::{self, Member},
    paging::Page,
    problem::Problem,
    state::State,
    wire::{AuditLinePage, Next},
};
use crate::{
    domain::mark::List,
    ingest::Refused,
    store::{self, audit},
};

/// `GET /v1/project/{project}/audit`, the latest first.
pub(super) async fn list(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let page = Page::asked(request, List::Audit)?;
    // A number that no line can have lies before none of them.
    let before = page.after.map(|place| i64::try_from(place).unwrap_or(i64::MAX));
    let project = Some(member.project.uid.as_str());
    let mut lines =
        store::on(&state.reads, async |client| audit::list(client, project, before, page.rows()).await)
            .await
            .map_err(|error| door::store(state, Refused::of_read(&error)))?;
    let next = page.cut(&mut lines, |line| u128::from(line.id.unsigned_abs()));
    let entities = lines.into_iter().map(Into::into).collect();
    Answer::ok(&AuditLinePage { entities, metadata: Next { next } })
}
