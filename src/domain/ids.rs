//! Public identifiers: random, unguessable, never reused. Internal numbers never leave the server.

use std::fmt;

use uuid::Uuid;

use super::clock::{Entropy, EntropyError};

/// The alphabet of every random text we make: digits, upper case, lower case.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random characters in a public identifier: 22 of base62 are 131 bits.
const UID_CHARS: usize = 22;

/// Draws `length` characters of base62, without the bias that a plain remainder would give.
///
/// # Errors
/// [`EntropyError`] when the generator fails.
pub fn random_base62(entropy: &dyn Entropy, length: usize) -> Result<String, EntropyError> {
    let mut text = String::with_capacity(length);
    // More than are needed, because some are drawn again; and many at once, because asking costs more than the bytes.
    let mut pool = [0u8; 1024];
    let asked = length.next_multiple_of(64).min(pool.len());
    let pool = &mut pool[..asked];
    while text.len() < length {
        entropy.fill(pool)?;
        // 248 is the largest multiple of 62 that a byte can hold; what lies above is drawn again.
        let fair =
            pool.iter().filter(|byte| **byte < 248).map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        text.extend(fair.take(length - text.len()));
    }
    Ok(text)
}

/// Draws a version 4 UUID.
///
/// # Errors
/// [`EntropyError`] when the generator fails.
pub fn random_uuid(entropy: &dyn Entropy) -> Result<Uuid, EntropyError> {
    let mut bytes = [0u8; 16];
    entropy.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

macro_rules! uid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Draws a new one.
            ///
            /// # Errors
            /// [`EntropyError`] when the generator fails.
            pub fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                Ok(Self(format!(concat!($prefix, "{}"), random_base62(entropy, UID_CHARS)?).into()))
            }

            /// Takes a text that the database holds; any text is kept, because a foreign one finds nothing.
            pub fn from_stored(text: &str) -> Self {
                Self(text.into())
            }

            /// The text, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

uid!(
    /// The public name of a project, `proj_…`.
    ProjectUid,
    "proj_"
);
uid!(
    /// The public name of a datasource, `ds_…`.
    DatasourceUid,
    "ds_"
);
uid!(
    /// The public name of the organization, `org_…`.
    OrganizationUid,
    "org_"
);

uid!(
    /// The public name of a user, `user_…`.
    UserUid,
    "user_"
);

/// Where an item lands: the internal numbers of a project and of one of its datasources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inlet {
    /// Row of the project.
    pub project: i64,
    /// Row of the datasource.
    pub datasource: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemEntropy;

    #[test]
    fn uids_are_prefixed_and_differ() {
        let one = ProjectUid::draw(&SystemEntropy).unwrap();
        let two = ProjectUid::draw(&SystemEntropy).unwrap();
        assert!(one.as_str().starts_with("proj_"));
        assert_eq!(one.as_str().len(), 5 + UID_CHARS);
        assert_ne!(one, two);
    }

    #[test]
    fn every_letter_of_the_alphabet_is_drawn() {
        let text = random_base62(&SystemEntropy, 20_000).unwrap();
        for letter in BASE62 {
            assert!(text.as_bytes().contains(letter), "{} never came", char::from(*letter));
        }
    }
}
