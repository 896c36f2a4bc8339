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
        Class::DoorCore | Class::DoorEvents | Class::DoorPersonal => 300,
    }
}

/// The budget of a class: the first override that sets it, narrowest owner first, else what the plan allows.
pub fn per_minute(plan: Plan, overrides: &[&Overrides], class: Class) -> u32 {
    let set = overrides.iter().find_map(|overrides| overrides.get(class));
    set.unwrap_or(default_per_minute(plan, class))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_narrowest_override_wins() {
        let set = |number| Overrides::from_stored(&BTreeMap::from([("events.write".to_owned(), number)]));
        let (datasource, project, none) = (set(5), set(7), Overrides::default());
        let budget = |overrides: &[&Overrides]| per_minute(Plan::S, overrides, Class::EventsWrite);
        assert_eq!(budget(&[&datasource, &project]), 5);
        assert_eq!(budget(&[&none, &project]), 7);
        assert_eq!(budget(&[&none, &none]), 600);
    }
}
