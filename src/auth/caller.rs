//! The caller: a key that was authenticated, and what it reaches.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    scope::{Scope, ScopeSet},
    text::Kind,
    uses::Noted,
};

/// What a key reaches, by internal rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// One datasource.
    Datasource(i64),
    /// One project.
    Project(i64),
    /// The projects that a user may see.
    Projects(Box<[i64]>),
    /// Every project of the organization.
    Organization,
}

impl Reach {
    /// Whether the project, by row, lies inside as a whole.
    pub fn holds_project(&self, project: i64) -> bool {
        match self {
            Self::Datasource(_) => false,
            Self::Project(own) => *own == project,
            Self::Projects(own) => own.contains(&project),
            Self::Organization => true,
        }
    }

    /// Whether all that the other reaches lies inside. A datasource is not known to lie in its project here: whoever knows that
    /// asks for the project.
    pub fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Organization, _) => true,
            (_, Self::Organization) => false,
            (_, Self::Project(project)) => self.holds_project(*project),
            (_, Self::Projects(projects)) => projects.iter().all(|project| self.holds_project(*project)),
            (_, Self::Datasource(_)) => self == other,
        }
    }

    /// Whether a datasource of that project lies inside, both by row.
    pub fn holds_datasource(&self, project: i64, datasource: i64) -> bool {
        matches!(self, Self::Datasource(own) if *own == datasource) || self.holds_project(project)
    }
}

/// A live key, as the keyring holds it. Its text is not here.
#[derive(Debug)]
pub struct Key {
    /// Row.
    pub id: Uuid,
    /// Kind.
    pub kind: Kind,
    /// The first characters, for display.
    pub prefix: Box<str>,
    /// The name its maker gave it.
    pub name: Box<str>,
    /// The user it belongs to, by row; personal keys only.
    pub user: Option<i64>,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Where it may do that.
    pub reach: Reach,
    /// When it was rotated: its successor is to be used instead.
    pub rotated_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether its use is noted already.
    pub(super) noted: Noted,
}

/// Whoever sent a request with a live key. Only the authority of this station makes one.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Key>);

impl Caller {
    pub(super) fn new(key: Arc<Key>) -> Self {
        Self(key)
    }

    /// The key it came with.
    pub fn key(&self) -> &Key {
        &self.0
    }

    /// Whether it may do what `scope` names, inside its reach.
    pub fn may(&self, scope: Scope) -> bool {
        self.0.scopes.contains(scope)
    }
}
