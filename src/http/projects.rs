//! One project: read, change, delete.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, web::Payload};

use super::{
    answer::Answer,
    door::Member,
    intake::{self, noted},
    manage,
    problem::{Code, Problem},
    state::State,
    wire::{EntityAnswer, ManagedProject, ProjectChange, Whole},
};
use crate::{
    domain::{
        rejection::{Faults, Rejection},
        settings::{self, ProjectPatch},
    },
    store::{projects, retention},
};

/// `GET /v1/project/{project}`.
pub(super) fn read(member: &Member) -> Result<Answer, Problem> {
    Answer::ok(&EntityAnswer { entity: ManagedProject::from(member.project.as_ref()) })
}

/// `PATCH /v1/project/{project}`.
pub(super) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let patch = judged(&intake::object(state, request, payload).await?)
        .map_err(|rejection| intake::invalid(&rejection))?;
    let (uid, acting) = (member.project.uid.as_str(), manage::acting(state, request, &member.caller));
    let now = state.clock.now();
    manage::write(state, async |client| {
        projects::change(client, uid, &patch, acting.actor()).await?;
        // What is past a shorter retention is gone before this is answered.
        if patch.retention.flatten().is_some() {
            retention::raise(client, Some(uid), now).await
        } else {
            Ok(())
        }
    })
    .await?;
    let project = state.authority.project(&member.caller, uid);
    let project = project.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Answer::ok(&EntityAnswer { entity: ManagedProject::from(project.as_ref()) })
}

fn judged(body: &ProjectChange) -> Result<ProjectPatch, Rejection> {
    let mut faults = Vec::new();
    let name = noted("name", body.name.as_deref().map(settings::name), &mut faults);
    let locale = noted("locale", body.locale.as_deref().map(settings::locale), &mut faults);
    let timezone = noted("timezone", body.timezone.as_deref().map(settings::timezone), &mut faults);
    let days = |days: &Option<Whole<i64>>| days.map(|days| settings::retention(days.0)).transpose();
    let retention = noted("retentionDays", body.retention_days.as_ref().map(days), &mut faults);
    let limits = limits(&body.limits, &mut faults);
    let patch = ProjectPatch { name, locale, timezone, retention, limits };
    Rejection::from_faults(faults).map_or(Ok(patch), Err)
}

/// Reads budgets; what is wrong joins the other faults.
pub(super) fn limits(
    sent: &BTreeMap<String, Option<Whole<u64>>>,
    faults: &mut Vec<crate::domain::rejection::Fault>,
) -> settings::LimitPatch {
    let mut found = Faults::up_to(sent.len());
    let sent = sent.iter().map(|(class, number)| (class.clone(), number.map(|number| number.0))).collect();
    let patch = settings::limits(&sent, &mut found);
    if let Err(rejection) = found.verdict() {
        faults.extend_from_slice(rejection.faults());
    }
    patch
}

/// `DELETE /v1/project/{project}`.
pub(super) async fn delete(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let answer = Answer::ok(&EntityAnswer { entity: ManagedProject::from(member.project.as_ref()) })?;
    let (uid, acting) = (member.project.uid.as_str(), manage::acting(state, request, &member.caller));
    manage::write(state, async |client| projects::delete(client, uid, acting.actor()).await).await?;
    Ok(answer)
}
