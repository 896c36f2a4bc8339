//! The organization, its projects and their datasources, in memory.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use crate::{
    domain::{
        budget::{Overrides, Plan},
        catalogue::Catalogue,
        ids::{DatasourceUid, OrganizationUid, ProjectUid},
    },
    store::changes::{Changes, DatasourceRow, OrganizationRow, ProjectRow},
};

/// What stands for the project's first API datasource in a path.
const ALIAS: &str = "dsapi";

/// The organization.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Public name.
    pub uid: OrganizationUid,
    /// Display name.
    pub name: String,
    /// Plan of datasources that have none of their own.
    pub plan: Plan,
}

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Row.
    pub id: i64,
    /// Public name.
    pub uid: ProjectUid,
    /// Display name.
    pub name: String,
    /// BCP 47 tag.
    pub locale: String,
    /// IANA name.
    pub timezone: String,
    /// Days for which it keeps what it received; `None` is for ever.
    pub retention_days: Option<i32>,
    /// Budgets of its own.
    pub overrides: Overrides,
    /// The built-in attributes and event types with its own laid over them.
    pub catalogue: Arc<Catalogue>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A datasource.
#[derive(Debug, Clone)]
pub struct Datasource {
    /// Row.
    pub id: i64,
    /// Row of its project.
    pub project: i64,
    /// Public name.
    pub uid: DatasourceUid,
    /// Display name.
    pub name: String,
    /// Always `api` today.
    pub kind: String,
    /// Which datasource wins where several know the same person; lower first.
    pub priority: i32,
    /// Its own plan, if it has one.
    pub plan: Option<Plan>,
    /// Whether undeclared event types are refused.
    pub strict: bool,
    /// ISO 3166-1 alpha-2, for national phone numbers.
    pub default_country: Option<String>,
    /// Budgets of its own.
    pub overrides: Overrides,
    /// Whether pushes are refused, because it is being purged.
    pub closed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Everything that a path can name.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) organization: Arc<Organization>,
    projects: HashMap<Box<str>, Arc<Project>>,
    project_uids: HashMap<i64, Box<str>>,
    datasources: HashMap<Box<str>, Arc<Datasource>>,
    datasource_uids: HashMap<i64, Box<str>>,
    /// The first datasource of each project, by row.
    firsts: HashMap<i64, i64>,
}

impl Directory {
    pub(super) fn new(organization: &OrganizationRow) -> Self {
        Self {
            organization: Arc::new(organization_of(organization)),
            projects: HashMap::new(),
            project_uids: HashMap::new(),
            datasources: HashMap::new(),
            datasource_uids: HashMap::new(),
            firsts: HashMap::new(),
        }
    }

    /// Whether a poll found anything that this has to learn.
    pub(super) fn concerns(&self, changes: &Changes) -> bool {
        let row = &changes.organization;
        !changes.projects.is_empty()
            || !changes.datasources.is_empty()
            || self.organization.name != row.name
            || self.organization.plan.name() != row.plan
    }

    pub(super) fn apply(&mut self, changes: &Changes) {
        self.organization = Arc::new(organization_of(&changes.organization));
        for row in &changes.projects {
            if row.deleted {
                self.projects.remove(row.uid.as_str());
                self.project_uids.remove(&row.id);
            } else {
                self.projects.insert(row.uid.as_str().into(), Arc::new(project_of(row)));
                self.project_uids.insert(row.id, row.uid.as_str().into());
            }
        }
        for row in &changes.datasources {
            if row.deleted {
                self.datasources.remove(row.uid.as_str());
                self.datasource_uids.remove(&row.id);
            } else {
                self.datasources.insert(row.uid.as_str().into(), Arc::new(Datasource::from(row)));
                self.datasource_uids.insert(row.id, row.uid.as_str().into());
            }
        }
        if !changes.datasources.is_empty() {
            self.firsts.clear();
            for datasource in self.datasources.values() {
                let first = self.firsts.entry(datasource.project).or_insert(datasource.id);
                *first = datasource.id.min(*first);
            }
        }
    }

    /// Every project, by row.
    pub(super) fn projects(&self) -> Vec<Arc<Project>> {
        let mut projects: Vec<Arc<Project>> = self.projects.values().cloned().collect();
        projects.sort_unstable_by_key(|project| project.id);
        projects
    }

    /// Every datasource of a project, by row.
    pub(super) fn datasources(&self, project: i64) -> Vec<Arc<Datasource>> {
        let mut datasources: Vec<Arc<Datasource>> =
            self.datasources.values().filter(|one| one.project == project).cloned().collect();
        datasources.sort_unstable_by_key(|datasource| datasource.id);
        datasources
    }

    pub(super) fn project(&self, uid: &str) -> Option<&Arc<Project>> {
        self.projects.get(uid)
    }

    pub(super) fn project_by_row(&self, id: i64) -> Option<&Arc<Project>> {
        self.projects.get(self.project_uids.get(&id)?)
    }

    pub(super) fn datasource_by_row(&self, id: i64) -> Option<&Arc<Datasource>> {
        self.datasources.get(self.datasource_uids.get(&id)?)
    }

    pub(super) fn datasource_by_uid(&self, uid: &str) -> Option<&Arc<Datasource>> {
        self.datasources.get(uid)
    }

    /// The datasource of a project that a path names, by uid or by the alias of its first one.
    pub(super) fn datasource(&self, project: i64, name: &str) -> Option<&Arc<Datasource>> {
        if name == ALIAS {
            return self.datasource_by_row(*self.firsts.get(&project)?);
        }
        self.datasources.get(name).filter(|datasource| datasource.project == project)
    }
}

fn organization_of(row: &OrganizationRow) -> Organization {
    Organization {
        uid: OrganizationUid::from_stored(&row.uid),
        name: row.name.clone(),
        plan: row.plan.parse().unwrap_or(Plan::M),
    }
}

fn project_of(row: &ProjectRow) -> Project {
    Project {
        id: row.id,
        uid: ProjectUid::from_stored(&row.uid),
        name: row.name.clone(),
        locale: row.locale.clone(),
        timezone: row.timezone.clone(),
        retention_days: row.retention_days,
        overrides: Overrides::from_stored(&row.limits),
        catalogue: Catalogue::of_project(&row.declared),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

impl From<&DatasourceRow> for Datasource {
    fn from(row: &DatasourceRow) -> Self {
        Self {
            id: row.id,
            project: row.project,
            uid: DatasourceUid::from_stored(&row.uid),
            name: row.name.clone(),
            kind: row.kind.clone(),
            priority: row.priority,
            plan: row.plan.as_deref().and_then(|plan| plan.parse().ok()),
            strict: row.strict,
            default_country: row.default_country.clone(),
            overrides: Overrides::from_stored(&row.limits),
            closed: row.closed,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
