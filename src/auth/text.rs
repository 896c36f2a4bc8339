//! The text of a key: a prefix, random base62, and a checksum over both.
//!
//! The checksum lets noise be refused without hashing it and lets secret scanners drop false positives offline. It is no
//! security: that is the 220 random bits.

use std::fmt;

use sha2::{Digest, Sha256};

use super::scope::{Scope, ScopeSet};
use crate::domain::{
    clock::{Entropy, EntropyError},
    ids::{BASE62, random_base62},
};

/// Characters of the checksum: 62⁶ is more than 2³².
const CHECKSUM: usize = 6;

/// What a key is. Everything that differs between kinds is a column of the tables below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Reads and writes one datasource.
    Datasource,
    /// Carries the scopes ticked when it was made, on one project or on all.
    Product,
    /// Belongs to one user.
    Personal,
    /// Reads and writes the core data of one project.
    Instance,
    /// Reads and appends to the event stream of one project.
    EventStream,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Datasource, Self::Product, Self::Personal, Self::Instance, Self::EventStream];

    /// The name on the command line, in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Datasource => "datasource",
            Self::Product => "product",
            Self::Personal => "personal",
            Self::Instance => "instance",
            Self::EventStream => "event-stream",
        }
    }

    /// What the text begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Datasource => "tgd_",
            Self::Product => "tgp_",
            Self::Personal => "in-",
            Self::Instance => "instance_",
            Self::EventStream => "tge_",
        }
    }

    /// How many characters follow the prefix, the checksum included.
    pub const fn tail(self) -> usize {
        match self {
            Self::Instance => 50,
            _ => 43,
        }
    }

    /// Whether `?api_key=` is a channel of this kind.
    pub const fn in_query(self) -> bool {
        matches!(self, Self::Personal)
    }

    /// Whether `Authorization: <key>` without a scheme is a channel of this kind.
    pub const fn raw(self) -> bool {
        matches!(self, Self::Instance | Self::EventStream)
    }

    /// Whether the text is shown once only; such a key is rotated, the others are regenerated.
    pub const fn shown_once(self) -> bool {
        matches!(self, Self::Datasource | Self::Product | Self::Personal)
    }

    /// Whether the name may be corrected; nothing else of a key ever is.
    pub const fn renamable(self) -> bool {
        matches!(self, Self::Datasource | Self::Product)
    }

    /// The scopes of kinds whose scopes are fixed; `None` where they are picked when the key is made.
    pub const fn fixed_scopes(self) -> Option<ScopeSet> {
        match self {
            Self::Datasource => Some(ScopeSet::of(&[Scope::ProjectIngestRead, Scope::ProjectIngestWrite])),
            Self::Instance => Some(ScopeSet::of(&[
                Scope::ProjectRead,
                Scope::ProjectIngestRead,
                Scope::ProjectIngestWrite,
                Scope::ProjectAudienceRead,
                Scope::ProjectAudienceDataBasic,
                Scope::ProjectAudienceDataEvents,
                Scope::ProjectStreamWrite,
            ])),
            Self::EventStream => Some(ScopeSet::of(&[
                Scope::ProjectStreamRead,
                Scope::ProjectStreamWrite,
                Scope::ProjectAudienceDataBasic,
                Scope::ProjectAudienceDataEvents,
            ])),
            Self::Product | Self::Personal => None,
        }
    }

    /// The kind whose stored name this is.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that a text begins like, well-formed or not.
    pub fn of_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// SHA-256 of a key's whole text; what is stored and looked up in its place.
pub type KeyHash = [u8; 32];

/// The text of a key. Its `Debug` is silent, and its memory is not kept longer than the value.
pub struct KeyText {
    kind: Kind,
    text: secrecy::SecretString,
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({}…)", self.kind.prefix())
    }
}

impl KeyText {
    /// Makes a new key's text.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn mint(kind: Kind, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut text = String::with_capacity(kind.prefix().len() + kind.tail());
        text.push_str(kind.prefix());
        text.push_str(&random_base62(entropy, kind.tail() - CHECKSUM)?);
        text.extend(checksum(&text).map(char::from));
        Ok(Self { kind, text: text.into() })
    }

    /// Takes a text that was made before; `None` where it is none.
    pub(super) fn restored(text: String) -> Option<Self> {
        let (kind, _) = parse(&text)?;
        Some(Self { kind, text: text.into() })
    }

    /// The kind it was made for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.text)
    }

    /// SHA-256 of the text.
    pub fn hash(&self) -> KeyHash {
        Sha256::digest(self.reveal().as_bytes()).into()
    }

    /// What lists show: the kind's prefix and four characters.
    pub fn display_prefix(&self) -> String {
        self.reveal()[..self.kind.prefix().len() + 4].to_owned()
    }
}

/// Reads a text as a key: its kind and hash, or `None` where prefix, length, alphabet or checksum are wrong.
pub fn parse(text: &str) -> Option<(Kind, KeyHash)> {
    let kind = Kind::of_text(text)?;
    let tail = &text[kind.prefix().len()..];
    if tail.len() != kind.tail() || !tail.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (body, sum) = text.split_at(text.len() - CHECKSUM);
    (checksum(body) == sum.as_bytes()).then(|| (kind, Sha256::digest(text.as_bytes()).into()))
}

/// CRC-32 (ISO-HDLC) in six digits of base62, most significant first.
fn checksum(body: &str) -> [u8; CHECKSUM] {
    let mut left = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(left % 62) as usize];
        left /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemEntropy;

    #[test]
    fn what_is_minted_parses_as_its_own_kind() {
        for kind in Kind::ALL {
            let key = KeyText::mint(kind, &SystemEntropy).unwrap();
            assert_eq!(key.reveal().len(), kind.prefix().len() + kind.tail());
            assert_eq!(parse(key.reveal()), Some((kind, key.hash())));
            assert!(key.reveal().starts_with(&key.display_prefix()));
        }
    }

    #[test]
    fn one_changed_character_is_refused() {
        let key = KeyText::mint(Kind::Datasource, &SystemEntropy).unwrap();
        let text = key.reveal();
        for at in 4..text.len() {
            let other = if &text[at..=at] == "x" { "y" } else { "x" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(parse(&changed), None, "character {at}");
        }
    }

    #[test]
    fn noise_is_refused() {
        for text in ["", "tgd_", "tgd_é", "Bearer", "in-", "tgd_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk-mnopq"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_checksum_is_what_the_documentation_says() {
        // CRC-32/ISO-HDLC of "123456789" is 0xCBF43926, the published check value.
        assert_eq!(&checksum("123456789"), b"3jZRME");
    }

    #[test]
    fn debug_is_silent() {
        let key = KeyText::mint(Kind::Product, &SystemEntropy).unwrap();
        assert_eq!(format!("{key:?}"), "KeyText(tgp_…)");
    }
}
