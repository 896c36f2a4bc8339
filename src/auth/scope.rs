//! Scopes: what a key may do inside its reach.

use std::{fmt, str::FromStr};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// One permission.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $($(#[$doc])* $name),+
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name in answers, on the command line and in the database.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),+
                }
            }
        }
    };
}

scopes! {
    /// List the projects of the account.
    AccountRead = "ACCOUNT_READ",
    /// Read a project and its catalogues.
    ProjectRead = "PROJECT_READ",
    /// Read a datasource: the probe, the catalogues, single contacts, totals.
    ProjectIngestRead = "PROJECT_INGEST_READ",
    /// Push and delete contacts, push events.
    ProjectIngestWrite = "PROJECT_INGEST_WRITE",
    /// Find contacts across the project.
    ProjectAudienceRead = "PROJECT_AUDIENCE_READ",
    /// See phone numbers and e-mail addresses unmasked.
    ProjectAudienceDataBasic = "PROJECT_AUDIENCE_DATA_BASIC",
    /// See the events of a contact.
    ProjectAudienceDataEvents = "PROJECT_AUDIENCE_DATA_EVENTS",
    /// Read the outbound stream.
    ProjectStreamRead = "PROJECT_STREAM_READ",
    /// Append to the project's event stream.
    ProjectStreamWrite = "PROJECT_STREAM_WRITE",
    /// Manage datasources, keys, catalogues and webhooks.
    ProjectManage = "PROJECT_MANAGE",
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|scope| scope.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|scope| scope.name()).collect();
            format!("{text:?} is no scope; the scopes are {}", known.join(", "))
        })
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeSet(u16);

impl ScopeSet {
    /// A set of the given scopes.
    pub const fn of(scopes: &[Scope]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < scopes.len() {
            bits |= 1 << scopes[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// Takes stored names; one that this binary does not know grants nothing.
    pub fn from_stored(names: &[String]) -> Self {
        let known: Vec<Scope> = names.iter().filter_map(|name| name.parse().ok()).collect();
        Self::of(&known)
    }

    /// Whether the scope is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u16) != 0
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }

    /// The names, in the order of [`Scope::ALL`].
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Scope::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_survives_a_round_trip() {
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse::<Scope>(), Ok(*scope));
            assert_eq!(ScopeSet::of(&[*scope]).names(), vec![scope.name()]);
        }
    }

    #[test]
    fn an_unknown_name_grants_nothing() {
        assert_eq!(ScopeSet::from_stored(&["PROJECT_OWN".into()]), ScopeSet::default());
    }
}
