//! Where the writes of a door go: into the project's first datasource, made if there is none, or to where a contact is already.

use std::sync::Arc;

use actix_web::HttpRequest;

use crate::{
    auth::Datasource,
    domain::ids::DatasourceUid,
    http::{
        door::{Guest, Member},
        manage,
        problem::{Code, Problem},
        state::State,
    },
    store::datasources::{self, NewDatasource},
};

/// The name by which paths call the first datasource of a project.
const FIRST: &str = "dsapi";

/// What a datasource is called that a door has made.
const NAME: &str = "API";

/// Lets a member into its project's first datasource, which is made, once, where there is none.
///
/// # Errors
/// As [`manage::write`]; 404 where the project was deleted this moment.
pub(super) async fn inlet(state: &State, request: &HttpRequest, member: &Member) -> Result<Guest, Problem> {
    if let Some(guest) = first(state, member) {
        return Ok(guest);
    }
    let uid = DatasourceUid::draw(state.entropy.as_ref()).map_err(|error| {
        tracing::error!(%error, "a datasource could not be named");
        Problem::plain(Code::Internal)
    })?;
    let new = NewDatasource {
        project: member.project.uid.as_str(),
        uid: uid.as_str(),
        name: NAME,
        plan: None,
        strict: false,
        default_country: None,
    };
    let acting = manage::acting(state, request, &member.caller);
    manage::write(state, async |client| datasources::create_first(client, &new, acting.actor()).await)
        .await?;
    first(state, member).ok_or_else(|| Problem::plain(Code::NotFound))
}

/// The guest of a member in its project's first datasource, where there is one.
pub(super) fn first(state: &State, member: &Member) -> Option<Guest> {
    let project = member.project.uid.as_str();
    let (project, datasource) = state.authority.datasource(&member.caller, project, FIRST)?;
    Some(Guest { caller: member.caller.clone(), project, datasource })
}

/// The guest of a member in the datasource of this row; `None` where it was deleted.
pub(super) fn home(state: &State, member: &Member, row: i64) -> Option<Guest> {
    let datasources = state.authority.datasources(&member.project);
    let datasource: Arc<Datasource> = datasources.into_iter().find(|one| one.id == row)?;
    Some(Guest { caller: member.caller.clone(), project: member.project.clone(), datasource })
}
