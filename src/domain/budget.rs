//! What is budgeted: the classes of requests and the plans that a datasource can be on.

use std::{fmt, str::FromStr};

/// A class of requests that share one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Pushing and deleting contacts.
    ContactsWrite,
    /// Pushing events.
    EventsWrite,
    /// Reading single contacts of a datasource.
    ContactsRead,
    /// Probes, catalogues, totals, and whatever was not found.
    Meta,
    /// Reading the audience of a project.
    AudienceRead,
    /// Reading the outbound stream.
    StreamRead,
    /// Managing projects, datasources and keys.
    Manage,
    /// Core data by instance key, at its door.
    DoorCore,
    /// Events by event-stream key, at its door.
    DoorEvents,
    /// Contacts and conversations by personal key, at its door.
    DoorPersonal,
}

impl Class {
    /// Every class, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::ContactsWrite,
        Self::EventsWrite,
        Self::ContactsRead,
        Self::Meta,
        Self::AudienceRead,
        Self::StreamRead,
        Self::Manage,
        Self::DoorCore,
        Self::DoorEvents,
        Self::DoorPersonal,
    ];

    /// The classes that a datasource pays for; projects pay for the others.
    pub const OF_DATASOURCES: [Self; 4] =
        [Self::ContactsWrite, Self::EventsWrite, Self::ContactsRead, Self::Meta];

    /// The name in headers, on the command line and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContactsWrite => "contacts.write",
            Self::EventsWrite => "events.write",
            Self::ContactsRead => "contacts.read",
            Self::Meta => "meta",
            Self::AudienceRead => "audience.read",
            Self::StreamRead => "stream.read",
            Self::Manage => "manage",
            Self::DoorCore => "door.core",
            Self::DoorEvents => "door.events",
            Self::DoorPersonal => "door.personal",
        }
    }

    /// Position in [`Class::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|class| class.name()).collect();
            format!("{text:?} is no endpoint class; the classes are {}", known.join(", "))
        })
    }
}

/// The plan of a datasource: how many pushes a minute it may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Plan {
    /// Small.
    S,
    /// Medium, the default.
    M,
    /// Large.
    L,
    /// Extra large.
    Xl,
}

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 4] = [Self::S, Self::M, Self::L, Self::Xl];

    /// The name in answers, on the command line and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::M => "M",
            Self::L => "L",
            Self::Xl => "XL",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|plan| plan.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("{text:?} is no plan; the plans are S, M, L and XL"))
    }
}

/// The lowest and the highest budget that can be set, in requests per minute.
pub const PER_MINUTE: std::ops::RangeInclusive<u32> = 1..=1_000_000_000;

/// Budgets that replace the plan's, by class, in requests per minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overrides([Option<u32>; Class::ALL.len()]);

impl Overrides {
    /// Takes stored pairs of class and budget; a class or number that this binary does not know is left out.
    pub fn from_stored<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a u64)>) -> Self {
        let mut overrides = Self::default();
        for (class, per_minute) in pairs {
            let number = u32::try_from(*per_minute).ok().filter(|number| PER_MINUTE.contains(number));
            if let (Ok(class), Some(number)) = (class.parse::<Class>(), number) {
                overrides.0[class.index()] = Some(number);
            }
        }
        overrides
    }

    /// The budgets that are set, by the name of their class.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        Class::ALL.into_iter().filter_map(|class| self.get(class).map(|number| (class.name(), number)))
    }

    /// The budget set for a class, if one is.
    pub fn get(&self, class: Class) -> Option<u32> {
        self.0[class.index()]
    }
}
