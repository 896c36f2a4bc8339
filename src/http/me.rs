//! Who is calling, for keys of every kind.

use super::{
    answer::Answer,
    door,
    problem::Problem,
    state::State,
    wire::{CallingKey, CallingUser, EntityAnswer, Me, OrganizationShape, ProjectName, Within},
};
use crate::{
    auth::{Caller, Project, Reach, Refusal, scope::Scope},
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
    let organization = state.authority.organization();
    let (project, datasource) = state.authority.home(caller);
    let projects = may_list(caller, project.is_some()).then(|| state.authority.projects(caller));
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
                projects: projects.as_ref().map(|projects| projects.iter().map(|one| named(one)).collect()),
                project_uid: project.as_ref().map(|project| project.uid.as_str()),
                datasource_uid: datasource.as_ref().map(|datasource| datasource.uid.as_str()),
            },
        },
    })
}

/// Whether the key may read the names of the projects that it reaches elsewhere: in the list of projects, or, when it is bound to
/// one, at this project.
fn may_list(caller: &Caller, bound: bool) -> bool {
    caller.may(Scope::AccountRead) || (bound && caller.may(Scope::ProjectRead))
}

fn named(project: &Project) -> ProjectName<'_> {
    ProjectName { uid: project.uid.as_str(), name: &project.name }
}

/// The user of a key that has one.
async fn user(state: &State, caller: &Caller) -> Result<KeyUser, Problem> {
    let id = caller.key().id;
    let found = store::on(&state.reads, async |client| users::of_key(client, id).await).await;
    let found = found.map_err(|error| door::store(state, Refused::of_read(&error)))?;
    // Disabled just now: refused as the next request with this key is.
    found.ok_or_else(|| door::unknown(Refusal::Invalid))
}
