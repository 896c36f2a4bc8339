//! One budget: the generic cell rate algorithm over a single atomic time.
//!
//! The state is the theoretical arrival time (ATM Forum Traffic Management 4.0, 4.4.2): the moment at which the budget is
//! whole again. A budget of `n` a minute costs 60 s ÷ n per request and has `n` of them when whole. So the distance of
//! that moment from now is the spent part of a minute whatever `n` is: a changed limit keeps the proportion without any
//! carrying over, and remaining, reset and retry-after are exact readings of one number.

use std::sync::atomic::{AtomicU64, Ordering};

const MINUTE: u64 = 60_000_000_000;

/// A budget's answer to one request. Times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Requests per minute.
    pub limit: u32,
    /// Requests that would still pass right now.
    pub remaining: u32,
    /// Time until the budget is whole again.
    pub whole_in: u64,
    /// `None` when the request passed; else the time after which the same request does.
    pub retry_in: Option<u64>,
}

/// A budget's state.
#[derive(Debug, Default)]
pub struct Budget {
    whole_at: AtomicU64,
}

impl Budget {
    /// Spends one request of `per_minute` at `now`, on a clock that never goes back; a refused request costs nothing.
    ///
    /// From a whole budget up to `per_minute` requests pass at once and one more every 60 s ÷ `per_minute`, so the first
    /// minute may see up to `2 × per_minute − 1`. A `per_minute` of 0 is taken for 1.
    pub fn spend(&self, per_minute: u32, now: u64) -> Verdict {
        let limit = per_minute.max(1);
        let cost = MINUTE / u64::from(limit);
        let capacity = cost * u64::from(limit);
        let mut whole_at = self.whole_at.load(Ordering::Relaxed);
        loop {
            let spent = whole_at.saturating_sub(now);
            let after = spent + cost;
            if after > capacity {
                return Verdict { limit, remaining: 0, whole_in: spent, retry_in: Some(after - capacity) };
            }
            // In one order with whoever asks whether the budget is whole, in order to forget it.
            match self.whole_at.compare_exchange_weak(
                whole_at,
                now + after,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    let remaining = u32::try_from((capacity - after) / cost).unwrap_or(u32::MAX);
                    return Verdict { limit, remaining, whole_in: after, retry_in: None };
                }
                Err(current) => whole_at = current,
            }
        }
    }

    /// Whether the budget is whole, so that forgetting it changes nothing.
    pub fn is_whole(&self, now: u64) -> bool {
        self.whole_at.load(Ordering::SeqCst) <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same budget as a leaky bucket over exact fractions: `level` is what is spent, in units of 1 ÷ cost.
    struct Model {
        level: u128,
        at: u64,
    }

    impl Model {
        /// Whether a request passes; time leaks one unit a nanosecond, a request pours `cost` units.
        fn spend(&mut self, per_minute: u32, now: u64) -> bool {
            let cost = u128::from(MINUTE / u64::from(per_minute));
            self.level = self.level.saturating_sub(u128::from(now - self.at));
            self.at = now;
            let passes = self.level + cost <= cost * u128::from(per_minute);
            if passes {
                self.level += cost;
            }
            passes
        }
    }

    proptest! {
        #[test]
        fn follows_the_model(limit in 1u32..5_000, steps in prop::collection::vec(0u64..200_000_000, 1..400)) {
            let budget = Budget::default();
            let mut model = Model { level: 0, at: 0 };
            let mut now = 0;
            for step in steps {
                now += step;
                let verdict = budget.spend(limit, now);
                prop_assert_eq!(verdict.retry_in.is_none(), model.spend(limit, now));
                prop_assert_eq!(u128::from(verdict.whole_in), model.level);
                if let Some(wait) = verdict.retry_in {
                    prop_assert!(wait > 0);
                    prop_assert!(budget.spend(limit, now + wait - 1).retry_in.is_some(), "one nanosecond early passes");
                }
            }
        }

        #[test]
        fn after_the_wait_the_same_request_passes(limit in 1u32..=1_000_000_000, at in 0u64..1_000_000_000_000) {
            let budget = Budget { whole_at: AtomicU64::new(at + MINUTE) };
            if let Some(wait) = budget.spend(limit, at).retry_in {
                prop_assert!(budget.spend(limit, at + wait).retry_in.is_none());
            }
        }

        #[test]
        fn a_whole_budget_lets_exactly_its_limit_through_at_once(limit in 1u32..3_000) {
            let budget = Budget::default();
            for left in (0..limit).rev() {
                let verdict = budget.spend(limit, 7);
                prop_assert_eq!((verdict.retry_in, verdict.remaining), (None, left));
            }
            prop_assert!(budget.spend(limit, 7).retry_in.is_some());
        }

        #[test]
        fn a_changed_limit_keeps_the_spent_proportion(before in 10u32..5_000, after in 10u32..5_000, spent in 1u32..10) {
            let budget = Budget::default();
            for _ in 0..spent {
                budget.spend(before, 0);
            }
            let kept = f64::from(after) * (1.0 - f64::from(spent) / f64::from(before)) - 1.0;
            let verdict = budget.spend(after, 0);
            if verdict.retry_in.is_none() {
                prop_assert!((f64::from(verdict.remaining) - kept).abs() <= 1.0, "{} ≠ {kept}", verdict.remaining);
            } else {
                prop_assert!(kept < 0.5, "refused, although {kept} were left");
            }
        }
    }

    #[test]
    fn many_threads_share_one_budget_exactly() {
        let budget = Budget::default();
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| (0..1_000).filter(|_| budget.spend(1_500, 0).retry_in.is_none()).count())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 1_500);
    }
}
