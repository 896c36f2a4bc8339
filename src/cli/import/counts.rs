//! What became of the rows of an import, in numbers.

use serde::{Deserialize, Serialize};

use crate::ingest::Outcome;

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    /// All of them.
    pub(super) rows: u64,
    pub(super) stored: u64,
    pub(super) duplicate: u64,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) deleted: u64,
    pub(super) absent: u64,
    /// Of a kind that was not asked for.
    pub(super) skipped: u64,
    pub(super) conflict: u64,
    pub(super) invalid: u64,
}

impl Counts {
    /// Counts what was answered for one row.
    pub(super) fn note(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Deleted => &mut self.deleted,
            Outcome::Absent => &mut self.absent,
            Outcome::Stored => &mut self.stored,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Conflict => &mut self.conflict,
            Outcome::TooLarge => &mut self.invalid,
        };
        *count += 1;
    }

    /// Rows that are in the report.
    pub(super) fn rejected(&self) -> u64 {
        self.conflict + self.invalid
    }

    /// The ones that are not 0, for people.
    pub(super) fn told(&self) -> String {
        let named = [
            ("stored", self.stored),
            ("duplicate", self.duplicate),
            ("created", self.created),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("deleted", self.deleted),
            ("absent", self.absent),
            ("skipped", self.skipped),
            ("conflict", self.conflict),
            ("invalid", self.invalid),
        ];
        let told: Vec<String> = named
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
    }
}
