//! What became of single items, counted by name.

/// The names, in the order in which they are printed.
pub const OUTCOMES: [Outcome; 7] = [
    Outcome::Stored,
    Outcome::Duplicate,
    Outcome::Created,
    Outcome::Updated,
    Outcome::Unchanged,
    Outcome::Conflict,
    Outcome::Invalid,
];

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An event was stored.
    Stored,
    /// An event was there with the same content.
    Duplicate,
    /// A contact was made.
    Created,
    /// A contact was changed.
    Updated,
    /// A contact was as sent.
    Unchanged,
    /// An event was there with other content.
    Conflict,
    /// An item was refused.
    Invalid,
}

impl Outcome {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
        }
    }
}

/// How many items had each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes([u64; OUTCOMES.len()]);

impl Outcomes {
    /// Counts one.
    pub fn note(&mut self, outcome: Outcome) {
        self.0[outcome as usize] += 1;
    }

    /// How many there were.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
