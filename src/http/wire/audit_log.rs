//! Who did what.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Next;
use crate::store::audit::Line;

/// One line of the audit of a project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLine)]
pub(in crate::http) struct AuditLineShape {
    /// When.
    at: Timestamp,
    /// Who: a key by its kind, id and prefix, a user, the command line, or what runs by itself.
    actor: String,
    /// From where, the first part of the address; empty for what came from no network.
    address: String,
    /// What, such as `key.rotate`.
    action: String,
    /// To what: a uid, or the id of a key.
    subject: String,
    /// What else there is to say, for people.
    note: String,
}

impl From<Line> for AuditLineShape {
    fn from(line: Line) -> Self {
        let Line { at, actor, address, action, subject, note, .. } = line;
        Self { at, actor, address, action, subject, note }
    }
}

/// A page of the audit, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AuditLinePage {
    pub(in crate::http) entities: Vec<AuditLineShape>,
    pub(in crate::http) metadata: Next,
}
