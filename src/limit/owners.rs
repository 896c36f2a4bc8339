//! Who has budgets: owner → budgets, in shards.
//!
//! A shard is replaced whole behind an atomic pointer, so that charging a known owner takes no lock and waits for nobody. Who
//! is new is added to a copy, of one 64th of the owners.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{
    budget::{Budget, Verdict},
    limiter::Owner,
};
use crate::domain::budget::Class;

const SHARDS: usize = 64;

/// The budgets of one owner.
#[derive(Debug, Default)]
struct Budgets {
    classes: [Budget; Class::ALL.len()],
    /// Whether they are being forgotten: who spent one then cannot know whether it still counts.
    leaving: AtomicBool,
}

type Shard = HashMap<Owner, Arc<Budgets>>;

/// The budgets of all owners.
#[derive(Debug)]
pub(super) struct Owners {
    shards: Box<[ArcSwap<Shard>]>,
    /// Held by whoever replaces a shard.
    changing: Mutex<()>,
}

impl Default for Owners {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| ArcSwap::from_pointee(Shard::new())).collect();
        Self { shards, changing: Mutex::new(()) }
    }
}

impl Owners {
    /// Spends one request of a budget at `now`, as [`Budget::spend`] does.
    pub(super) fn spend(&self, owner: Owner, class: Class, per_minute: u32, now: u64) -> Verdict {
        let shard = &self.shards[place(owner)];
        loop {
            let known = shard.load();
            let Some(budgets) = known.get(&owner) else {
                self.add(owner);
                continue;
            };
            if !budgets.leaving.load(Ordering::SeqCst) {
                let verdict = budgets.classes[class.index()].spend(per_minute, now);
                // Whoever forgets them says so before looking whether they are whole. Either that is seen here, or what was
                // just spent is seen there and they stay.
                if !budgets.leaving.load(Ordering::SeqCst) {
                    return verdict;
                }
            }
            // Once in a minute, for as long as it takes to copy a shard.
            std::thread::yield_now();
        }
    }

    fn add(&self, owner: Owner) {
        let _alone = self.changing.lock();
        let shard = &self.shards[place(owner)];
        let known = shard.load();
        if !known.contains_key(&owner) {
            let mut next = Shard::clone(&known);
            next.insert(owner, Arc::default());
            shard.store(Arc::new(next));
        }
    }

    /// Forgets owners whose budgets are all whole: nobody can tell them from new ones.
    pub(super) fn sweep(&self, now: u64) {
        let _alone = self.changing.lock();
        for shard in &self.shards {
            let known = shard.load();
            let mut next = Shard::with_capacity(known.len());
            for (owner, budgets) in known.iter() {
                budgets.leaving.store(true, Ordering::SeqCst);
                if !budgets.classes.iter().all(|budget| budget.is_whole(now)) {
                    budgets.leaving.store(false, Ordering::SeqCst);
                    next.insert(*owner, budgets.clone());
                }
            }
            if next.len() < known.len() {
                shard.store(Arc::new(next));
            }
        }
    }

    /// How many owners there are.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }
}

/// The shard of an owner. Rows are numbered one after the other, so that their remainders are spread.
fn place(owner: Owner) -> usize {
    let row = match owner {
        Owner::Address(address) => return (address % SHARDS as u64) as usize,
        Owner::Datasource(row) | Owner::Project(row) | Owner::User(row) => row,
        // Random, but for the version in the middle.
        Owner::Key(id) => return (id.as_u128() % SHARDS as u128) as usize,
    };
    row.rem_euclid(SHARDS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_added_once_and_forgotten_when_whole() {
        let owners = Owners::default();
        for row in (0..200).chain(0..200) {
            owners.spend(Owner::Datasource(row), Class::Meta, 60, 0);
            owners.spend(Owner::Project(row), Class::Meta, 1, 0);
        }
        assert_eq!(owners.len(), 400);
        owners.sweep(2_000_000_000);
        assert_eq!(owners.len(), 200);
        assert!(owners.spend(Owner::Project(7), Class::Meta, 1, 2_000_000_000).retry_in.is_some());
        owners.sweep(60_000_000_000);
        assert_eq!(owners.len(), 0);
        assert!(owners.spend(Owner::Project(7), Class::Meta, 1, 60_000_000_000).retry_in.is_none());
    }

    #[test]
    fn no_more_passes_than_the_budget_has_while_others_sweep() {
        let owners = Owners::default();
        let charge = |rounds: usize| {
            (0..rounds).filter(|_| {
                let verdict = owners.spend(Owner::Datasource(1), Class::Meta, 1_000, 1);
                verdict.retry_in.is_none()
            })
        };
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| charge(2_000).count())).collect();
            scope.spawn(|| (0..500).for_each(|_| owners.sweep(1)));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // A request that meets a sweep may be charged twice, never not at all.
        assert!((900..=1_000).contains(&passed), "{passed}");
    }
}
