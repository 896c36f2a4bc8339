//! What a dry run answers: the outcomes that a batch would have, from what is stored now.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    contacts::{Person, fold},
    events::judge,
    job::ContactOp,
    receipt::Outcome,
    rows::EventRows,
};
use crate::{
    domain::ids::Inlet,
    store::lots::{ClaimKey, Content},
};

/// Outcomes of events, given what stands behind their ids.
pub(super) fn events(inlet: Inlet, rows: &EventRows, before: &HashMap<ClaimKey, Content>) -> Vec<Outcome> {
    let claims: Vec<_> = rows.events().iter().map(|event| (event.key(inlet), event.content)).collect();
    judge(&claims, before)
}

/// Outcomes of operations on contacts, given how those stand.
pub(super) fn contacts(
    operations: &[ContactOp],
    before: &mut HashMap<String, Person>,
    contact_bytes: usize,
) -> Vec<Outcome> {
    operations
        .iter()
        .map(|operation| {
            let known = before.remove(operation.user_id());
            let mut fold = fold(known, &[operation], Uuid::nil(), contact_bytes);
            if let Some(person) = fold.after.take() {
                before.insert(operation.user_id().to_owned(), person);
            }
            fold.steps.first().map_or(Outcome::Unchanged, |step| step.outcome)
        })
        .collect()
}
