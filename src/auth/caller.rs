//! The caller: a key that was authenticated, and what it reaches.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    scope::{Scope, ScopeSet},
    text::Kind,
};

/// What a key reaches, by internal rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// One datasource.
    Datasource(i64),
    /// One project.
    Project(i64),
    /// Every project of the organization.
    Organization,
}

/// A live key, as the keyring holds it. Its text is not here.
#[derive(Debug, Clone)]
pub struct Key {
    /// Row.
    pub id: Uuid,
    /// Kind.
    pub kind: Kind,
    /// The first characters, for display.
    pub prefix: Box<str>,
    /// The name its maker gave it.
    pub name: Box<str>,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Where it may do that.
    pub reach: Reach,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
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
