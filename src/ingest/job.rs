//! A batch on its way: what to write, who waits for it, and who decides whether it is still wanted.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    ledger::{Account, Ledger, Settlement},
    queue::Room,
    receipt::{Receipt, Refused},
    rows::EventRows,
};
use crate::domain::{contact::ContactDraft, ids::Inlet};

/// One thing to do to a contact.
#[derive(Debug, Clone)]
pub enum ContactOp {
    /// Merge this into it, making it where it is absent.
    Upsert(ContactDraft),
    /// As `Upsert`; where it is made, this is its own id.
    Make {
        /// What is merged.
        draft: ContactDraft,
        /// Drawn by the server, and used for nothing before.
        contact_id: Uuid,
    },
    /// Merge this into it where it is there; an absent one stays absent.
    Amend(ContactDraft),
    /// Delete it.
    Delete {
        /// The sender's id of the contact.
        user_id: String,
    },
}

impl ContactOp {
    /// The sender's id of the contact.
    pub fn user_id(&self) -> &str {
        match self {
            Self::Upsert(draft) | Self::Make { draft, .. } | Self::Amend(draft) => &draft.user_id,
            Self::Delete { user_id } => user_id,
        }
    }
}

/// The valid items of one batch.
#[derive(Debug, Clone)]
pub enum Work {
    /// Events to append.
    Events(EventRows),
    /// Contacts to change.
    Contacts(Vec<ContactOp>),
}

impl Work {
    /// How many items there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Events(events) => events.len(),
            Self::Contacts(contacts) => contacts.len(),
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const LEFT: u8 = 2;

/// A batch in the queue or in a lot.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) inlet: Inlet,
    pub(super) work: Work,
    /// When it was queued, on the monotonic clock.
    pub(super) queued_at: u64,
    pub(super) room: Room,
    account: Account,
    state: AtomicU8,
    reply: Mutex<Option<oneshot::Sender<Result<Receipt, Refused>>>>,
}

impl Job {
    pub(super) fn new(
        inlet: Inlet,
        work: Work,
        queued_at: u64,
        room: Room,
        account: Account,
    ) -> (Self, oneshot::Receiver<Result<Receipt, Refused>>) {
        let (reply, answer) = oneshot::channel();
        let state = AtomicU8::new(WAITING);
        (Self { inlet, work, queued_at, room, account, state, reply: Mutex::new(Some(reply)) }, answer)
    }

    /// Claims the job for a lot; `false` when its sender gave up waiting, and then it must not be written.
    pub(super) fn take(&self) -> bool {
        self.state.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Gives up waiting; `false` when a lane has it already, and then its answer must be waited for.
    pub(super) fn leave(&self) -> bool {
        self.state.compare_exchange(WAITING, LEFT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Answers a lot. All of it is noted before anybody hears of it, so that whoever has an answer finds it counted.
    pub(super) fn answer_all(
        jobs: &[Arc<Self>],
        answers: impl IntoIterator<Item = Result<Receipt, Refused>>,
        ledger: &Ledger,
    ) {
        let answers: Vec<_> = answers.into_iter().take(jobs.len()).collect();
        ledger.settle(jobs.iter().zip(&answers).map(|(job, answer)| job.settlement(answer)));
        for (job, answer) in jobs.iter().zip(answers) {
            job.reply(answer);
        }
    }

    /// Gives an answer to the sender. One that went away is no concern: what was committed stays committed.
    fn reply(&self, answer: Result<Receipt, Refused>) {
        if let Some(reply) = self.reply.lock().take() {
            let _gone = reply.send(answer);
        }
    }

    /// Notes what became of the batch, where its sender needs no answer.
    pub(super) fn note(&self, answer: &Result<Receipt, Refused>, ledger: &Ledger) {
        ledger.settle([self.settlement(answer)]);
    }

    fn settlement<'a>(&'a self, answer: &'a Result<Receipt, Refused>) -> Settlement<'a> {
        let (datasource, items) = (self.inlet.datasource, self.work.len());
        Settlement { datasource, account: &self.account, items, answer }
    }
}
