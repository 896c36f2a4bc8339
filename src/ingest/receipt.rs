//! What the sender of a batch gets: an outcome for each item and a position in the stream, or why nothing was stored.

use jiff::Timestamp;

use crate::{
    domain::{cursor::Cursor, rejection::Fault},
    store::{Failure, StoreError},
};

/// What became of one item of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A contact that was not there before.
    Created,
    /// A contact that changed.
    Updated,
    /// A contact that already was as sent.
    Unchanged,
    /// A contact that was there and is gone.
    Deleted,
    /// A contact to delete that was not there.
    Absent,
    /// A contact that would outgrow what one contact may hold; it stays as it was.
    TooLarge,
    /// A new event.
    Stored,
    /// An event that was stored before, with the same content.
    Duplicate,
    /// An event whose id was used before for other content; the first stays.
    Conflict,
}

impl Outcome {
    /// Whether the sender's wish holds now.
    pub const fn is_success(self) -> bool {
        !matches!(self, Self::TooLarge | Self::Conflict)
    }

    /// What the sender is told of an item that was not taken; none where its wish holds.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Conflict => {
                let rule = "was used before for an event with other content; the first one stays";
                Some(Fault::at(["_event_id"], rule))
            }
            Self::TooLarge => {
                let rule = "would make the contact larger than one contact may be; clear attributes that are not needed";
                Some(Fault::whole(rule))
            }
            _ => None,
        }
    }
}

/// Proof of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// One outcome per item, in the order of the batch.
    pub outcomes: Vec<Outcome>,
    /// A position of the stream at or after everything the batch stored.
    pub cursor: Cursor,
    /// The server's clock when the lot was written.
    pub received_at: Timestamp,
}

/// Why a batch was not taken. Nothing of it is stored, but for [`Refused::OutcomeUnknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The queue is full.
    #[error("the queue is full")]
    Overloaded,
    /// PostgreSQL is away, too slow, or takes no writes.
    #[error("the store is unavailable")]
    Unavailable,
    /// The connection died under the commit, and its fate could not be found out in time.
    #[error("the fate of the commit is unknown")]
    OutcomeUnknown,
    /// PostgreSQL refuses a value of this batch, although validation let it through.
    #[error("the database refuses a value of this batch")]
    Unstorable,
    /// A defect; the log says more.
    #[error("the batch could not be written")]
    Defect,
}

impl Refused {
    /// What a read that failed comes to. Only a store that may come back is worth another try.
    pub fn of_read(error: &StoreError) -> Self {
        match error.failure() {
            Failure::Content | Failure::Other => {
                tracing::error!(%error, "a read met a defect");
                Self::Defect
            }
            _ => {
                tracing::warn!(%error, "the store could not be read");
                Self::Unavailable
            }
        }
    }
}
