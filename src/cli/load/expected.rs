//! What the server has acknowledged, summed as its audit sums it.

use std::collections::BTreeMap;

use super::answer::Minute;
use crate::domain::claim::Digest;

/// How many ids, and the sum modulo 2⁶⁴ of their words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// The sum of [`Digest::audit_word`] over them.
    pub sum: u64,
}

impl Sum {
    /// Adds one id.
    pub fn note(&mut self, id: &str) {
        self.add(Self { count: 1, sum: Digest::of(id).audit_word() });
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.count = self.count.wrapping_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// What is left without others.
    pub fn without(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), sum: self.sum.wrapping_sub(other.sum) }
    }
}

/// What a run expects to find stored of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Rows by the minute in which the server wrote them.
    pub minutes: BTreeMap<Minute, Sum>,
    /// Rows that an attempt without an answer wrote: they are there, but their minute is not known.
    pub floating: Sum,
    /// Items whose fate never became known.
    pub unsettled: u64,
    /// Items whose outcome cannot be, if the server keeps its promise: one of them, and how many.
    pub surprises: u64,
    /// The first of these, in words.
    pub surprise: Option<String>,
    /// The latest minute that an answer named, whether or not it stored anything.
    pub latest: Option<Minute>,
}

impl Expected {
    /// What several connections expect together.
    pub fn of(all: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.add(one);
        }
        sum
    }

    /// Adds what another connection expects.
    pub fn add(&mut self, other: Self) {
        for (minute, sum) in other.minutes {
            self.minutes.entry(minute).or_default().add(sum);
        }
        self.floating.add(other.floating);
        self.unsettled += other.unsettled;
        self.surprises += other.surprises;
        self.surprise = self.surprise.take().or(other.surprise);
        self.latest = self.latest.max(other.latest);
    }

    /// All rows that are to be there.
    pub fn total(&self) -> Sum {
        let mut total = self.floating;
        for sum in self.minutes.values() {
            total.add(*sum);
        }
        total
    }

    pub(super) fn surprised(&mut self, what: impl FnOnce() -> String) {
        self.surprises += 1;
        self.surprise.get_or_insert_with(what);
    }
}
