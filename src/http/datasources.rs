//! Datasources as those who manage them see them: list, make, read, change, delete.

use std::time::Duration;

use actix_web::{HttpRequest, http::StatusCode, web::Payload};

use super::{
    answer::Answer,
    door::{self, Guest, Member},
    intake::{self, noted},
    manage,
    problem::{Code, Problem},
    projects::limits,
    repeat,
    state::State,
    wire::{
        DatasourceChange, DatasourceStanding, DatasourceState, EntitiesAnswer, EntityAnswer,
        ManagedDatasource, NewDatasourceBody, Purging,
    },
};
use crate::{
    auth::{Caller, Datasource, Project},
    domain::{
        budget::Plan,
        country::Country,
        ids::{DatasourceUid, Inlet},
        rejection::Rejection,
        settings::{self, DatasourcePatch},
    },
    ingest::Refused,
    store::{
        datasources::{self, NewDatasource},
        purge, totals,
    },
};

/// `GET /v1/project/{project}/datasource`.
pub(super) fn list(state: &State, member: &Member) -> Result<Answer, Problem> {
    let plan = state.authority.plan();
    let datasources = state.authority.datasources(&member.project);
    let entities = datasources.iter().map(|one| ManagedDatasource::of(one, &member.project, plan)).collect();
    Answer::ok(&EntitiesAnswer { entities })
}

/// `GET /v1/project/{project}/datasource/{datasource}`.
pub(super) async fn read(state: &State, guest: &Guest) -> Result<Answer, Problem> {
    set_up(state, guest, StatusCode::OK).await
}

/// How a datasource is set up, and how far its purge is.
async fn set_up(state: &State, guest: &Guest, status: StatusCode) -> Result<Answer, Problem> {
    let Inlet { project, datasource } = guest.inlet();
    let purge = if state.authority.is_closed(datasource) {
        let totals = totals::read(&state.reads, project, datasource).await;
        let totals = totals.map_err(|error| door::store(state, Refused::of_read(&error)))?;
        Some(Purging { left: totals.events + totals.contacts })
    } else {
        None
    };
    let EntityAnswer { entity } = entity(state, &guest.project, &guest.datasource);
    Answer::with(status, &DatasourceStanding { entity, metadata: DatasourceState { purge } })
}

/// Until then every node has heard that a datasource is closed.
const HEARD: Duration = Duration::from_secs(1);

/// `POST /v1/project/{project}/datasource/{datasource}/purge`: closed by the answer, emptied behind it.
pub(super) async fn purge(state: &State, request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    let (uid, acting) = (guest.datasource.uid.as_str(), manage::acting(state, request, &guest.caller));
    manage::write(state, async |client| purge::close(client, uid, acting.actor()).await).await?;
    // What another node still took in would be judged by what is about to go.
    tokio::time::sleep(HEARD).await;
    set_up(state, guest, StatusCode::ACCEPTED).await
}

fn entity<'a>(
    state: &State,
    project: &Project,
    datasource: &'a Datasource,
) -> EntityAnswer<ManagedDatasource<'a>> {
    let plan = state.authority.plan();
    EntityAnswer { entity: ManagedDatasource::of(datasource, project, plan) }
}

/// The datasource as it stands after a change.
fn afterwards(state: &State, caller: &Caller, project: &str, uid: &str) -> Result<Answer, Problem> {
    let found = state.authority.datasource(caller, project, uid);
    let (project, datasource) = found.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Answer::ok(&entity(state, &project, &datasource))
}

/// `POST /v1/project/{project}/datasource`.
pub(super) async fn create(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let (body, repeatable) =
        repeat::object::<NewDatasourceBody>(state, request, payload, &member.caller).await?;
    let mut faults = Vec::new();
    let name = noted("name", Some(settings::name(&body.name)), &mut faults).unwrap_or_default();
    let plan = noted("plan", body.plan.as_deref().map(str::parse::<Plan>), &mut faults);
    let country =
        noted("defaultCountry", body.default_country.as_deref().map(settings::country), &mut faults);
    if let Some(rejection) = Rejection::from_faults(faults) {
        return Err(intake::invalid(&rejection));
    }
    let uid = DatasourceUid::draw(state.entropy.as_ref()).map_err(|error| {
        tracing::error!(%error, "a datasource could not be named");
        Problem::plain(Code::Internal)
    })?;
    let new = NewDatasource {
        project: member.project.uid.as_str(),
        uid: uid.as_str(),
        name: &name,
        plan: plan.map(Plan::name),
        strict: body.strict,
        default_country: country.as_ref().map(Country::as_str),
    };
    let acting = manage::acting(state, request, &member.caller);
    manage::create(state, "datasource_create", repeatable, async |tx| {
        let Some(row) = datasources::insert(tx, &new, acting.actor()).await? else {
            return Ok(Err(Problem::plain(Code::NotFound)));
        };
        Ok(Answer::with(StatusCode::CREATED, &entity(state, &member.project, &Datasource::from(&row))))
    })
    .await
}

/// `PATCH /v1/project/{project}/datasource/{datasource}`.
pub(super) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    guest: &Guest,
) -> Result<Answer, Problem> {
    let patch = judged(&intake::object(state, request, payload).await?)
        .map_err(|rejection| intake::invalid(&rejection))?;
    let (uid, acting) = (guest.datasource.uid.as_str(), manage::acting(state, request, &guest.caller));
    manage::write(state, async |client| datasources::change(client, uid, &patch, acting.actor()).await)
        .await?;
    afterwards(state, &guest.caller, guest.project.uid.as_str(), uid)
}

fn judged(body: &DatasourceChange) -> Result<DatasourcePatch, Rejection> {
    let mut faults = Vec::new();
    let plan = |text: &Option<String>| text.as_deref().map(str::parse::<Plan>).transpose();
    let country = |text: &Option<String>| text.as_deref().map(settings::country).transpose();
    let patch = DatasourcePatch {
        name: noted("name", body.name.as_deref().map(settings::name), &mut faults),
        plan: noted("plan", body.plan.as_ref().map(plan), &mut faults),
        strict: body.strict,
        default_country: noted("defaultCountry", body.default_country.as_ref().map(country), &mut faults),
        priority: noted("priority", body.priority.map(|number| settings::priority(number.0)), &mut faults),
        limits: limits(&body.limits, &mut faults),
    };
    Rejection::from_faults(faults).map_or(Ok(patch), Err)
}

/// `DELETE /v1/project/{project}/datasource/{datasource}`.
pub(super) async fn delete(state: &State, request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    let answer = Answer::ok(&entity(state, &guest.project, &guest.datasource))?;
    let (uid, acting) = (guest.datasource.uid.as_str(), manage::acting(state, request, &guest.caller));
    manage::write(state, async |client| datasources::delete(client, uid, acting.actor()).await).await?;
    Ok(answer)
}
