//! Folding what is to be done to one contact, in order, over how it stands: outcomes, log entries and the end state.

use uuid::Uuid;

use super::{job::ContactOp, receipt::Outcome};
use crate::{
    domain::contact::{Contact, ContactDraft, FieldChanges, changes_json},
    store::{StoreError, contacts::StoredContact},
};

/// A contact and its own id.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) contact_id: Uuid,
    pub(super) contact: Contact,
}

impl Person {
    /// Reads a stored contact.
    pub(super) fn read(stored: &StoredContact) -> Result<Self, StoreError> {
        let contact = Contact::from_json(&stored.attributes)
            .map_err(|error| StoreError::Content(format!("contact {}: {error}", stored.contact_id)))?;
        Ok(Self { contact_id: stored.contact_id, contact })
    }
}

/// A change of a contact, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogEntry {
    pub(super) event_type: &'static str,
    pub(super) changes: String,
}

/// What one operation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) outcome: Outcome,
    pub(super) entry: Option<LogEntry>,
}

/// The end of a fold.
#[derive(Debug)]
pub(super) struct Fold {
    /// One step per operation.
    pub(super) steps: Vec<Step>,
    /// The contact afterwards.
    pub(super) after: Option<Person>,
    /// Contacts made less contacts deleted.
    pub(super) net: i32,
}

impl Fold {
    /// Leaves no entries in the log; the outcomes stand.
    pub(super) fn forget(&mut self) {
        self.steps.iter_mut().for_each(|step| step.entry = None);
        self.net = 0;
    }

    /// Whether anything has to be written.
    pub(super) fn changes_anything(&self) -> bool {
        self.steps.iter().any(|step| step.entry.is_some())
    }
}

/// Applies operations in order. `fresh` is the id of the contact should it be made; `limit` is what a contact may hold, in
/// bytes.
pub(super) fn fold(before: Option<Person>, operations: &[&ContactOp], fresh: Uuid, limit: usize) -> Fold {
    let (mut state, mut net) = (before, 0);
    let steps = operations.iter().map(|operation| {
        let (draft, id) = match operation {
            ContactOp::Upsert(draft) => (draft, Some(fresh)),
            ContactOp::Make { draft, contact_id } => (draft, Some(*contact_id)),
            ContactOp::Amend(draft) => (draft, None),
            ContactOp::Delete { .. } => return delete(&mut state, &mut net),
        };
        upsert(&mut state, &mut net, draft, id, limit)
    });
    let steps = steps.collect();
    Fold { steps, after: state, net }
}

/// Merges a draft into a contact; an absent one is made with this id, or stays absent without.
fn upsert(
    state: &mut Option<Person>,
    net: &mut i32,
    draft: &ContactDraft,
    id: Option<Uuid>,
    limit: usize,
) -> Step {
    let existed = state.is_some();
    let made = || id.map(|contact_id| Person { contact_id, contact: Contact::default() });
    let Some(mut next) = state.clone().or_else(made) else {
        return Step { outcome: Outcome::Absent, entry: None };
    };
    let changes = next.contact.merge(draft);
    if existed && changes.is_empty() {
        return Step { outcome: Outcome::Unchanged, entry: None };
    }
    // One that shrinks is always welcome: it may have outgrown a limit that was lowered since.
    let outgrown = next.contact.size() > limit;
    if outgrown && state.as_ref().is_none_or(|now| now.contact.size() < next.contact.size()) {
        return Step { outcome: Outcome::TooLarge, entry: None };
    }
    *state = Some(next);
    if existed {
        return step(Outcome::Updated, "contact.updated", &changes);
    }
    *net += 1;
    step(Outcome::Created, "contact.created", &changes)
}

fn delete(state: &mut Option<Person>, net: &mut i32) -> Step {
    if state.take().is_none() {
        return Step { outcome: Outcome::Absent, entry: None };
    }
    *net -= 1;
    step(Outcome::Deleted, "contact.deleted", &FieldChanges::new())
}

fn step(outcome: Outcome, event_type: &'static str, changes: &FieldChanges) -> Step {
    Step { outcome, entry: Some(LogEntry { event_type, changes: changes_json(changes) }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contact::Change;

    fn upsert(value: &str) -> ContactOp {
        let changes = vec![("_city".to_owned(), Change::Set(format!("\"{value}\"")))];
        ContactOp::Upsert(ContactDraft { user_id: "u".into(), changes })
    }

    fn delete() -> ContactOp {
        ContactOp::Delete { user_id: "u".into() }
    }

    fn outcomes(operations: &[ContactOp]) -> (Vec<Outcome>, i32, bool) {
        let fold = fold(None, &operations.iter().collect::<Vec<_>>(), Uuid::from_u128(1), 1_000);
        (fold.steps.iter().map(|step| step.outcome).collect(), fold.net, fold.after.is_some())
    }

    #[test]
    fn operations_see_each_other() {
        use Outcome::{Absent, Created, Deleted, Unchanged, Updated};
        let all = [delete(), upsert("a"), upsert("a"), upsert("b"), delete(), upsert("c")];
        assert_eq!(outcomes(&all), (vec![Absent, Created, Unchanged, Updated, Deleted, Created], 1, true));
    }

    #[test]
    fn what_is_too_large_stays_out() {
        let long = "x".repeat(2_000);
        assert_eq!(
            outcomes(&[upsert("a"), upsert(&long)]),
            (vec![Outcome::Created, Outcome::TooLarge], 1, true)
        );
    }

    #[test]
    fn what_is_made_has_the_id_that_was_drawn_for_it_and_nothing_else_makes_one() {
        let draft = ContactDraft { user_id: "u".into(), changes: Vec::new() };
        let (amend, drawn) = (ContactOp::Amend(draft.clone()), Uuid::from_u128(7));
        let make = ContactOp::Make { draft, contact_id: drawn };
        let all = [&amend, &make, &make, &upsert("a"), &amend];
        let fold = fold(None, &all, Uuid::from_u128(1), 1_000);
        let outcomes: Vec<_> = fold.steps.iter().map(|step| step.outcome).collect();
        use Outcome::{Absent, Created, Unchanged, Updated};
        assert_eq!(outcomes, [Absent, Created, Unchanged, Updated, Unchanged]);
        assert_eq!(fold.after.unwrap().contact_id, drawn);
    }

    #[test]
    fn a_contact_without_attributes_is_still_made() {
        let bare = ContactOp::Upsert(ContactDraft { user_id: "u".into(), changes: Vec::new() });
        assert_eq!(outcomes(&[bare.clone(), bare]), (vec![Outcome::Created, Outcome::Unchanged], 1, true));
    }
}
