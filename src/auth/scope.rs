//! Scopes: what a key may do inside its reach.

use std::{fmt, str::FromStr};

macro_rules! scopes {
    ($(#[doc = $doc:literal] $name:ident = $text:literal),+ $(,)?) => {
        /// One permission.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = $doc] $name),+
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

            /// What it allows, as a sentence.
            pub const fn allows(self) -> &'static str {
                match self {
                    $(Self::$name => $doc.trim_ascii()),+
                }
            }
        }
    };
}

scopes! {
    /// List the projects of the account.
    AccountRead = "ACCOUNT_READ",
    /// Read a project, its catalogues and its datasources.
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

/// What a user, or a personal key, may do; picked once and never edited on a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// See everything.
    ReadOnly,
    /// See everything, push, delete contacts, and append to the stream.
    Ingest,
    /// Everything, keys and datasources included.
    FullAccess,
}

impl Role {
    /// Every role, the narrowest first.
    pub const ALL: [Self; 3] = [Self::ReadOnly, Self::Ingest, Self::FullAccess];

    /// The name on the command line, in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Ingest => "ingest",
            Self::FullAccess => "full_access",
        }
    }

    /// What it allows.
    pub const fn scopes(self) -> ScopeSet {
        const SEE: &[Scope] = &[
            Scope::AccountRead,
            Scope::ProjectRead,
            Scope::ProjectIngestRead,
            Scope::ProjectAudienceRead,
            Scope::ProjectAudienceDataBasic,
            Scope::ProjectAudienceDataEvents,
            Scope::ProjectStreamRead,
        ];
        const WRITE: &[Scope] = &[Scope::ProjectIngestWrite, Scope::ProjectStreamWrite];
        match self {
            Self::ReadOnly => ScopeSet::of(SEE),
            Self::Ingest => ScopeSet::of(SEE).and(ScopeSet::of(WRITE)),
            Self::FullAccess => ScopeSet::of(Scope::ALL),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no role; the roles are {known}")
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

    /// The scopes of both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every scope of the other is in this one.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
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
    fn roles_are_what_their_rule_says() {
        let like = |ends: &[&str]| -> Vec<&str> {
            let fits = |name: &&str| ends.iter().any(|end| name.ends_with(end) || name.contains("_DATA_"));
            Scope::ALL.iter().map(|scope| scope.name()).filter(fits).collect()
        };
        assert_eq!(Role::ReadOnly.scopes().names(), like(&["_READ"]));
        assert_eq!(Role::Ingest.scopes().names(), like(&["_READ", "_WRITE"]));
        assert_eq!(Role::FullAccess.scopes(), ScopeSet::of(Scope::ALL));
    }

    #[test]
    fn a_set_covers_what_is_in_it() {
        let both = ScopeSet::of(&[Scope::ProjectRead, Scope::ProjectManage]);
        assert!(both.covers(both));
        assert!(both.covers(ScopeSet::of(&[Scope::ProjectRead])));
        assert!(!ScopeSet::of(&[Scope::ProjectRead]).covers(both));
    }

    #[test]
    fn an_unknown_name_grants_nothing() {
        assert_eq!(ScopeSet::from_stored(&["PROJECT_OWN".into()]), ScopeSet::default());
    }
}
