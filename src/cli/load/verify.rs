//! Holding what a run was told against what the server's audit finds.

use std::{collections::BTreeMap, fmt};

use super::{
    Expected, Kind, Sum,
    answer::Minute,
    single::{Single, Stored},
};

/// Minutes before and after a run that are looked at too, because the clocks of servers differ a little.
const MARGIN: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// What was stored before a run, in the minutes in which it may store.
#[derive(Debug)]
pub(super) struct Baseline {
    from: jiff::Timestamp,
    before: BTreeMap<Minute, Stored>,
}

/// What the audit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// Every acknowledged item is stored exactly once, and nothing else came in.
    Exact(Sum),
    /// Something differs: in these words.
    Differs(Vec<String>),
    /// It cannot be told, for these reasons.
    Unknown(Vec<String>),
}

impl Baseline {
    /// Reads what is stored now, at the server's time.
    pub(super) async fn take(
        single: &Single<'_>,
        now: jiff::Timestamp,
        duration: std::time::Duration,
    ) -> anyhow::Result<Self> {
        let from = now - MARGIN;
        // Minutes to come hold something where the clock of another server is ahead.
        let before = single.audit(from, now + MARGIN + duration).await?;
        Ok(Self { from, before })
    }

    /// Reads what is stored after the run, and compares.
    pub(super) async fn compare(
        &self,
        single: &Single<'_>,
        kind: Kind,
        expected: &Expected,
        now: jiff::Timestamp,
    ) -> anyhow::Result<Finding> {
        let after = single.audit(self.from, now + MARGIN).await?;
        Ok(judge(kind, expected, &self.before, &after))
    }
}

fn judge(
    kind: Kind,
    expected: &Expected,
    before: &BTreeMap<Minute, Stored>,
    after: &BTreeMap<Minute, Stored>,
) -> Finding {
    let mut differences = Vec::new();
    let mut found_in_all = Sum::default();
    let known = |minute: &Minute| after.contains_key(minute) || before.contains_key(minute);
    let minutes: std::collections::BTreeSet<&Minute> = after
        .keys()
        .chain(before.keys())
        .chain(expected.minutes.keys().filter(|minute| !known(minute)))
        .collect();
    for minute in minutes {
        let before = before.get(minute).copied().unwrap_or_default();
        let after = after.get(minute).copied().unwrap_or_default();
        let (events, contacts) =
            (after.events.without(before.events), after.contacts.without(before.contacts));
        let (found, others, what, other) = match kind {
            Kind::Events => (events, contacts, "events", "changes of contacts"),
            _ => (contacts, events, "changes of contacts", "events"),
        };
        found_in_all.add(found);
        let wanted = expected.minutes.get(minute).copied().unwrap_or_default();
        let at = String::from_utf8_lossy(minute);
        // What an unanswered attempt stored may lie in any minute; the sum of all tells.
        if found != wanted && expected.floating == Sum::default() {
            differences.push(format!("{at}Z: {} {what}, expected {}", Told(found), Told(wanted)));
        }
        if others != Sum::default() {
            differences.push(format!("{at}Z: {} {other}, expected none", Told(others)));
        }
    }
    let total = expected.total();
    if found_in_all != total && differences.is_empty() {
        differences.push(format!("in all: {}, expected {}", Told(found_in_all), Told(total)));
    }
    let mut doubts = Vec::new();
    if expected.unsettled > 0 {
        doubts.push(format!("the fate of {} items never became known", expected.unsettled));
    }
    // A late first attempt can change a contact once more, behind its own repetition and the change after that.
    if matches!(kind, Kind::UpdatedContacts(_)) && expected.floating.count > 0 && !differences.is_empty() {
        doubts.push("updates of contacts were sent again whose first attempt may have come late".into());
    }
    if expected.surprises > 0 {
        let what = expected.surprise.as_deref().unwrap_or_default();
        differences.push(format!("{} answers that cannot be: {what}", expected.surprises));
    } else if !doubts.is_empty() {
        doubts.extend(differences);
        return Finding::Unknown(doubts);
    }
    if differences.is_empty() { Finding::Exact(total) } else { Finding::Differs(differences) }
}

/// A count with its sum.
struct Told(Sum);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.count.cast_signed();
        write!(f, "{count} (sum {:016x})", self.0.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Minute = *b"2026-11-26T05:17";
    const TWO: Minute = *b"2026-11-26T05:18";

    fn sum(ids: &[&str]) -> Sum {
        let mut sum = Sum::default();
        for id in ids {
            sum.note(id);
        }
        sum
    }

    fn events(ids: &[&str]) -> Stored {
        Stored { events: sum(ids), ..Stored::default() }
    }

    fn expected(minutes: &[(Minute, &[&str])]) -> Expected {
        let minutes = minutes.iter().map(|(minute, ids)| (*minute, sum(ids))).collect();
        Expected { minutes, ..Expected::default() }
    }

    fn found(expected: &Expected, after: &[(Minute, Stored)]) -> Finding {
        let before = [(ONE, events(&["old"]))].into();
        judge(Kind::Events, expected, &before, &after.iter().copied().collect())
    }

    #[test]
    fn what_was_there_before_does_not_count() {
        let expected = expected(&[(ONE, &["a", "b"]), (TWO, &["c"])]);
        let after = [(ONE, events(&["old", "a", "b"])), (TWO, events(&["c"]))];
        assert_eq!(found(&expected, &after), Finding::Exact(sum(&["a", "b", "c"])));
    }

    #[rstest::rstest]
    #[case(&["old", "a"], &["c"], 1)]
    #[case(&["old", "a", "b", "b"], &["c"], 1)]
    #[case(&["old", "a", "x"], &["c"], 1)]
    #[case(&["a", "b"], &["c"], 1)]
    #[case(&["old", "a", "b", "c"], &[], 2)]
    #[case(&["old", "a", "b"], &["c", "foreign"], 1)]
    fn whatever_differs_is_told_by_its_minute(
        #[case] one: &[&str],
        #[case] two: &[&str],
        #[case] count: usize,
    ) {
        let expected = expected(&[(ONE, &["a", "b"]), (TWO, &["c"])]);
        let Finding::Differs(told) = found(&expected, &[(ONE, events(one)), (TWO, events(two))]) else {
            panic!("not noticed");
        };
        assert_eq!(told.len(), count, "{told:?}");
        assert!(told.iter().all(|line| line.starts_with("2026-11-26T05:1")), "{told:?}");
    }

    #[test]
    fn the_other_kind_is_none_of_ours() {
        let expected = expected(&[(ONE, &["a"])]);
        let stored = Stored { contacts: sum(&["u"]), ..events(&["old", "a"]) };
        assert!(matches!(found(&expected, &[(ONE, stored)]), Finding::Differs(_)));
    }

    #[test]
    fn what_an_unanswered_attempt_stored_may_lie_anywhere_but_once() {
        let mut expected = expected(&[(TWO, &["c"])]);
        expected.floating = sum(&["f"]);
        let exact = [(ONE, events(&["old", "f"])), (TWO, events(&["c"]))];
        assert_eq!(found(&expected, &exact), Finding::Exact(sum(&["c", "f"])));
        let twice = [(ONE, events(&["old", "f"])), (TWO, events(&["c", "f"]))];
        assert!(matches!(found(&expected, &twice), Finding::Differs(_)));
    }

    #[test]
    fn a_fate_that_is_not_known_makes_it_unknown_and_a_broken_promise_does_not() {
        let mut expected = expected(&[(ONE, &["a"])]);
        expected.unsettled = 1;
        let after = [(ONE, events(&["old", "a"]))];
        assert!(matches!(found(&expected, &after), Finding::Unknown(_)));
        expected.surprised(|| "an item that was acknowledged before was answered stored".into());
        assert!(matches!(found(&expected, &after), Finding::Differs(_)));
    }
}
