//! What each plan allows, in requests per minute. One batch is one request.

use crate::domain::budget::{Class, Overrides, Plan};

/// The budget of a class on a plan, before any override.
pub const fn default_per_minute(plan: Plan, class: Class) -> u32 {
    match class {
        Class::ContactsWrite | Class::EventsWrite => match plan {
            Plan::S => 600,
            Plan::M => 6_000,
            Plan::L => 60_000,
            Plan::Xl => 600_000,
        },
        Class::ContactsRead | Class::Meta | Class::AudienceRead | Class::StreamRead => 6_000,
        Class::Manage => 600,
    }
}

/// The budget of a class for an owner on a plan, with overrides of its own.
pub fn per_minute(plan: Plan, overrides: &Overrides, class: Class) -> u32 {
    overrides.get(class).unwrap_or(default_per_minute(plan, class))
}
