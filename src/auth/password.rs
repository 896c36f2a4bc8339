//! Passwords of users: judged, hashed, compared; and the secret of a one-time link.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::domain::{
    clock::{Entropy, EntropyError},
    ids::random_base62,
};

/// Characters of a password, at least and at most. Long ones are welcome; the bound is for what has to be hashed.
pub const CHARACTERS: std::ops::RangeInclusive<usize> = 12..=256;

/// Memory of one hash in KiB, passes over it, and lanes: the OWASP Password Storage Cheat Sheet's first choice for Argon2id.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes of a salt (RFC 9106, section 3.1).
const SALT: usize = 16;

/// Hashes at a time: each takes a processor for tens of milliseconds, and 19 MiB.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Characters of the secret of a link: 256 random bits.
const SECRET: usize = 43;

/// A password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The generator failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The hash function refuses.
    #[error("the password cannot be hashed: {0}")]
    Hash(#[from] password_hash::Error),
    /// The thread that hashed is gone.
    #[error("the password was not hashed: {0}")]
    Gone(String),
}

/// A password in the clear. Its `Debug` is silent.
#[derive(Clone)]
pub struct Password(SecretString);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// Takes a password of [`CHARACTERS`] characters, as it is: spaces count, and nothing is cut.
    ///
    /// # Errors
    /// The rule.
    pub fn new(text: String) -> Result<Self, String> {
        let length = text.chars().count();
        let text = SecretString::from(text);
        if CHARACTERS.contains(&length) {
            return Ok(Self(text));
        }
        Err(format!("a password must have {} to {} characters", CHARACTERS.start(), CHARACTERS.end()))
    }

    /// Hashes it with a salt of its own, in PHC form, on a thread that may block.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(self, entropy: &dyn Entropy) -> Result<String, PasswordError> {
        let mut salt = [0; SALT];
        entropy.fill(&mut salt)?;
        blocking(move || {
            let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters()?);
            Ok(hasher.hash_password_with_salt(self.0.expose_secret().as_bytes(), &salt)?.to_string())
        })
        .await
    }

    /// Whether it is the one that was hashed, by the parameters that the hash names.
    ///
    /// # Errors
    /// [`PasswordError`], also where `stored` is no hash.
    pub async fn is(self, stored: String) -> Result<bool, PasswordError> {
        blocking(move || {
            let stored = PasswordHash::new(&stored).map_err(password_hash::Error::from)?;
            match Argon2::default().verify_password(self.0.expose_secret().as_bytes(), &stored) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}

fn parameters() -> Result<Params, PasswordError> {
    Params::new(MEMORY, PASSES, LANES, None).map_err(|error| PasswordError::Hash(error.into()))
}

/// Runs what takes long where nobody waits for it but the caller, a few at a time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    let turn = HASHING.acquire().await.map_err(|error| PasswordError::Gone(error.to_string()))?;
    let work = move || {
        // Held by the work, which goes on when nobody waits for it any more.
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| PasswordError::Gone(error.to_string()))?
}

/// The secret part of a one-time link. Its `Debug` is silent; stored is its hash alone.
pub struct LinkSecret(SecretString);

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

impl LinkSecret {
    /// Draws one.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self(random_base62(entropy, SECRET)?.into()))
    }

    /// Takes what somebody sends as one; `None` for what cannot be.
    pub fn read(text: &str) -> Option<Self> {
        let fits = text.len() == SECRET && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.into()))
    }

    /// The text, for the one place that shows the link.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// SHA-256 of the text: 256 random bits need no slower function.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.reveal().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemEntropy;

    fn password(text: &str) -> Password {
        Password::new(text.into()).unwrap()
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_alone() {
        let hash = password("correct horse battery").hash(&SystemEntropy).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(password("correct horse battery").is(hash.clone()).await.unwrap());
        assert!(!password("correct horse batterz").is(hash.clone()).await.unwrap());
        let again = password("correct horse battery").hash(&SystemEntropy).await.unwrap();
        assert_ne!(hash, again, "two salts");
        assert!(password("correct horse battery").is("noise".into()).await.is_err());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_turn() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (began, begun) = tokio::sync::oneshot::channel();
        let caller = tokio::spawn(blocking(move || {
            let _ = began.send(());
            Ok(wait.recv().is_ok())
        }));
        begun.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        // The other turn may be taken by another test for a while; this one is not to be had.
        let other = HASHING.acquire().await.unwrap();
        assert_eq!(HASHING.available_permits(), 0);
        done.send(()).unwrap();
        let both = HASHING.acquire().await.unwrap();
        drop((other, both));
    }

    #[test]
    fn the_length_counts_characters_and_nothing_is_cut() {
        for (text, fits) in [
            ("é".repeat(11), false),
            ("é".repeat(12), true),
            (" ".repeat(256), true),
            ("x".repeat(257), false),
        ] {
            assert_eq!(Password::new(text.clone()).is_ok(), fits, "{} characters", text.chars().count());
        }
    }

    #[test]
    fn secrets_are_silent_and_read_back() {
        let secret = LinkSecret::draw(&SystemEntropy).unwrap();
        assert_eq!(LinkSecret::read(secret.reveal()).unwrap().hash(), secret.hash());
        for noise in ["", "short", &"é".repeat(22), &"-".repeat(43)] {
            assert!(LinkSecret::read(noise).is_none(), "{noise}");
        }
        assert_eq!(format!("{secret:?} {:?}", password("correct horse")), "LinkSecret(…) Password(…)");
    }
}
