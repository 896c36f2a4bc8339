//! Judging events by the claims on their ids: new, the same again, or another one under a used id.

use std::collections::HashMap;

use super::receipt::Outcome;
use crate::store::lots::{ClaimKey, Content};

/// The distinct claims of a lot, the first of each, in key order.
pub(super) fn wanted(claims: &[(ClaimKey, Content)]) -> Vec<(ClaimKey, Content)> {
    let mut wanted = claims.to_vec();
    // Stable, so that the first of those with one key stays the first.
    wanted.sort_by_key(|(key, _)| *key);
    wanted.dedup_by_key(|(key, _)| *key);
    wanted
}

/// Judges events in order, given what stood behind their ids before them.
pub(super) fn judge(claims: &[(ClaimKey, Content)], before: &HashMap<ClaimKey, Content>) -> Vec<Outcome> {
    let mut standing = before.clone();
    claims
        .iter()
        .map(|(key, content)| match standing.get(key) {
            Some(first) if same(first, content) => Outcome::Duplicate,
            Some(_) => Outcome::Conflict,
            None => {
                standing.insert(*key, *content);
                Outcome::Stored
            }
        })
        .collect()
}

/// Dates count only where both senders gave one, so that a plain retry of a dateless event is never a conflict.
fn same(first: &Content, second: &Content) -> bool {
    let dates = first.given_date.zip(second.given_date);
    first.hash == second.hash && dates.is_none_or(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn event(id: u128, content: u128, date: Option<i64>) -> (ClaimKey, Content) {
        let given_date = date.map(|second| jiff::Timestamp::from_second(second).unwrap());
        let key = ClaimKey { datasource: 1, claim: Uuid::from_u128(id) };
        (key, Content { hash: Uuid::from_u128(content), given_date })
    }

    #[test]
    fn items_of_one_batch_are_judged_in_order() {
        let claims = [event(1, 7, None), event(1, 7, None), event(1, 8, None), event(2, 7, None)];
        let outcomes = judge(&claims, &HashMap::new());
        assert_eq!(outcomes, [Outcome::Stored, Outcome::Duplicate, Outcome::Conflict, Outcome::Stored]);
    }

    #[test]
    fn what_stood_before_stays() {
        let before = HashMap::from([event(1, 7, None)]);
        assert_eq!(judge(&[event(1, 7, None)], &before), [Outcome::Duplicate]);
        assert_eq!(judge(&[event(1, 8, None)], &before), [Outcome::Conflict]);
    }

    #[test]
    fn dates_count_where_both_gave_one() {
        let before = HashMap::from([event(1, 7, Some(5))]);
        assert_eq!(judge(&[event(1, 7, None)], &before), [Outcome::Duplicate]);
        assert_eq!(judge(&[event(1, 7, Some(5))], &before), [Outcome::Duplicate]);
        assert_eq!(judge(&[event(1, 7, Some(6))], &before), [Outcome::Conflict]);
    }

    #[test]
    fn claims_are_written_once_and_in_key_order() {
        let wanted = wanted(&[event(3, 1, None), event(1, 1, None), event(3, 2, None)]);
        assert_eq!(wanted, [event(1, 1, None), event(3, 1, None)]);
    }
}
