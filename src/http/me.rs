//! Who is calling, for keys of every kind.

use super::{
    answer::Answer,
    door,
    problem::{Code, Problem},
    state::State,
    wire::{CallingKey, CallingUser, EntityAnswer, Me, OrganizationShape, ProjectName, Within},
};
use crate::{
    auth::{Caller, Reach},
    ingest::Refused,
    store::{
        self,
        users::{self, KeyUser},
    },
};

/// `GET /v1/me`.
pub(super) async fn read(state: &State, caller: &Caller) -> Result<Answer, Problem> {
    let key = caller.key();
    let user = match key.user {
        Some(_) => Some(user(state, caller).await?),
        None => None,
    };
    let (organization, projects) = (state.authority.organization(), state.authority.projects(caller));
    let (_, datasource) = state.authority.home(caller);
    let project = |project: &crate::auth::Project| (project.uid.as_str().to_owned(), project.name.clone());
    let projects: Vec<(String, String)> = projects.iter().map(|one| project(one)).collect();
    Answer::ok(&EntityAnswer {
        entity: Me {
            organization: OrganizationShape::from(organization.as_ref()),
            key: CallingKey::of(key, user.as_ref().map(|user| user.key_role.as_str())),
            user: user.as_ref().map(|user| CallingUser {
                uid: &user.uid,
                email: &user.email,
                role: &user.role,
            }),
            reach: Within {
                all_projects: key.reach == Reach::Organization,
                projects: projects.iter().map(|(uid, name)| ProjectName { uid, name }).collect(),
                datasource_uid: datasource.as_ref().map(|datasource| datasource.uid.as_str()),
            },
        },
    })
}

/// The user of a key that has one.
async fn user(state: &State, caller: &Caller) -> Result<KeyUser, Problem> {
    let id = caller.key().id;
    let found = store::on(&state.reads, async |client| users::of_key(client, id).await).await;
    let found = found.map_err(|error| door::store(state, Refused::of_read(&error)))?;
    // Disabled just now: the next request with this key is refused.
    found.ok_or_else(|| Problem::plain(Code::NotFound))
}
