//! The budgets of everybody: one per owner and class, made on first use and forgotten once whole.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{budget::Verdict, owners::Owners, plans::per_minute};
use crate::{
    auth::{Authority, Caller, Datasource, Project},
    domain::{
        budget::{Class, Plan},
        clock::SharedClock,
    },
};

/// Whose budget a request is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A datasource, by row.
    Datasource(i64),
    /// A project, by row.
    Project(i64),
    /// A user, by row.
    User(i64),
    /// An address, as a number; of IPv6 the first 64 bits.
    Address(u64),
    /// A key, by row: one that belongs to no user and is bound to nothing narrower than the organization.
    Key(Uuid),
}

/// Leave to go on, and what the budget said; only the limiter makes one.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    class: Class,
    verdict: Verdict,
    at: Timestamp,
}

impl Pass {
    /// The class that was charged.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Requests per minute.
    pub fn limit(&self) -> u32 {
        self.verdict.limit
    }

    /// Requests that would have passed right after.
    pub fn remaining(&self) -> u32 {
        self.verdict.remaining
    }

    /// Whole seconds until the budget is whole again, rounded up.
    pub fn whole_in(&self) -> u64 {
        self.verdict.whole_in.div_ceil(1_000_000_000)
    }

    /// When the budget is whole again, in Unix seconds, rounded up.
    pub fn whole_at(&self) -> i64 {
        let nanos = self.at.as_nanosecond() + i128::from(self.verdict.whole_in);
        i64::try_from((nanos + 999_999_999).div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
    }
}

/// The budget is spent.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    /// What the budget said; nothing was charged.
    pub pass: Pass,
    /// Whole seconds after which the same request passes; at least 1.
    pub retry_after: u64,
}

/// Paces callers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limiter {
    clock: SharedClock,
    owners: Arc<Owners>,
}

impl Limiter {
    /// A limiter on which every budget is whole.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, owners: Arc::default() }
    }

    /// Charges one request of `class` to a datasource. What its project sets holds where it sets nothing itself.
    ///
    /// # Errors
    /// [`Spent`] when its budget is; nothing was charged then.
    pub fn datasource(
        &self,
        project: &Project,
        datasource: &Datasource,
        organization: Plan,
        class: Class,
    ) -> Result<Pass, Spent> {
        let plan = datasource.plan.unwrap_or(organization);
        self.charge(
            Owner::Datasource(datasource.id),
            class,
            per_minute(plan, &[&datasource.overrides, &project.overrides], class),
        )
    }

    /// Charges one request of `class` to a project.
    ///
    /// # Errors
    /// As [`Limiter::datasource`].
    pub fn project(&self, project: &Project, organization: Plan, class: Class) -> Result<Pass, Spent> {
        self.charge(Owner::Project(project.id), class, per_minute(organization, &[&project.overrides], class))
    }

    /// Charges one request of `class` to a user, whose budgets are those of the organization's plan.
    ///
    /// # Errors
    /// As [`Limiter::datasource`].
    pub fn user(&self, user: i64, organization: Plan, class: Class) -> Result<Pass, Spent> {
        self.charge(Owner::User(user), class, per_minute(organization, &[], class))
    }

    /// Charges one request to the `meta` budget of whatever the caller's own key belongs or is bound to: its user, its datasource,
    /// its project, or else the key itself. What one key is refused never costs another that it has nothing to do with.
    ///
    /// # Errors
    /// As [`Limiter::datasource`].
    pub fn own(&self, authority: &Authority, caller: &Caller) -> Result<Pass, Spent> {
        let (plan, key) = (authority.plan(), caller.key());
        if let Some(user) = key.user {
            return self.user(user, plan, Class::Meta);
        }
        match authority.home(caller) {
            (Some(project), Some(datasource)) => self.datasource(&project, &datasource, plan, Class::Meta),
            (Some(project), None) => self.project(&project, plan, Class::Meta),
            (None, _) => self.charge(Owner::Key(key.id), Class::Meta, per_minute(plan, &[], Class::Meta)),
        }
    }

    /// Charges one request to one budget.
    ///
    /// # Errors
    /// As [`Limiter::datasource`].
    pub fn charge(&self, owner: Owner, class: Class, per_minute: u32) -> Result<Pass, Spent> {
        let now = self.clock.monotonic();
        let verdict = self.owners.spend(owner, class, per_minute, now);
        let pass = Pass { class, verdict, at: self.clock.now() };
        match verdict.retry_in {
            None => Ok(pass),
            Some(wait) => Err(Spent { pass, retry_after: wait.div_ceil(1_000_000_000).max(1) }),
        }
    }

    /// Forgets budgets that are whole, such as those of datasources that are gone.
    pub fn sweep(&self) {
        self.owners.sweep(self.clock.monotonic());
    }

    /// How many owners have a budget that is not forgotten.
    pub fn owners(&self) -> usize {
        self.owners.len()
    }
}

/// How often whole budgets are swept.
pub const SWEEP_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::FakeClock;

    fn clock() -> Arc<FakeClock> {
        FakeClock::at("2026-11-21T12:00:00.25Z".parse().unwrap())
    }

    #[test]
    fn headers_round_up() {
        let limiter = Limiter::new(clock());
        let pass = limiter.charge(Owner::Project(1), Class::EventsWrite, 6_000).unwrap();
        assert_eq!((pass.limit(), pass.remaining(), pass.whole_in()), (6_000, 5_999, 1));
        assert_eq!(pass.whole_at(), "2026-11-21T12:00:01Z".parse::<Timestamp>().unwrap().as_second());
    }

    #[test]
    fn retry_after_is_enough_and_at_least_a_second() {
        let clock = clock();
        let limiter = Limiter::new(clock.clone());
        while limiter.charge(Owner::Datasource(1), Class::EventsWrite, 600).is_ok() {}
        let spent = limiter.charge(Owner::Datasource(1), Class::EventsWrite, 600).unwrap_err();
        assert_eq!((spent.retry_after, spent.pass.remaining()), (1, 0));
        clock.advance(Duration::from_secs(spent.retry_after));
        assert!(limiter.charge(Owner::Datasource(1), Class::EventsWrite, 600).is_ok());
    }

    #[test]
    fn budgets_are_apart_by_owner_and_class() {
        let limiter = Limiter::new(clock());
        assert!(limiter.charge(Owner::Datasource(1), Class::EventsWrite, 1).is_ok());
        assert!(limiter.charge(Owner::Datasource(1), Class::EventsWrite, 1).is_err());
        assert!(limiter.charge(Owner::Datasource(1), Class::ContactsWrite, 1).is_ok());
        assert!(limiter.charge(Owner::Datasource(2), Class::EventsWrite, 1).is_ok());
        assert!(limiter.charge(Owner::Project(1), Class::EventsWrite, 1).is_ok());
    }

    #[test]
    fn whole_budgets_are_forgotten_and_spent_ones_are_not() {
        let clock = clock();
        let limiter = Limiter::new(clock.clone());
        let _ = limiter.charge(Owner::Datasource(1), Class::Meta, 60);
        let _ = limiter.charge(Owner::Datasource(2), Class::Meta, 1);
        clock.advance(Duration::from_secs(2));
        limiter.sweep();
        assert_eq!(limiter.owners(), 1);
        assert!(limiter.charge(Owner::Datasource(2), Class::Meta, 1).is_err());
    }
}
