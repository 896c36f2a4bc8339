//! Sealing: the texts of keys that can be shown again, encrypted under the server's secret key.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random nonce for each text; the row's id is associated data, so that a
//! sealed text moved to another row does not open. A sealed text is a byte for the version of this form, the nonce, and what the
//! cipher makes.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use uuid::Uuid;

use super::text::KeyText;
use crate::domain::clock::{Entropy, EntropyError};

/// Bytes of a secret key.
const BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE: usize = 24;
/// The form of a sealed text.
const VERSION: u8 = 1;

/// A secret key. Its `Debug` is silent, and its memory is not kept longer than the value.
pub struct SecretKey(SecretBox<[u8; BYTES]>);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// A text that is no secret key, or no list of them. It does not say what was found: that may be a secret all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret key is 32 random bytes in base64 or hex, such as `openssl rand -base64 32` prints; several have commas between \
     them, the one that seals first"
)]
pub struct NoSecretKey;

impl SecretKey {
    /// Draws a new one.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = SecretBox::new(Box::new([0u8; BYTES]));
        entropy.fill(key.expose_secret_mut())?;
        Ok(Self(key))
    }

    /// The form in which it is written into a file, base64.
    pub(super) fn written(&self) -> String {
        STANDARD.encode(self.0.expose_secret())
    }

    /// Encrypts the text of the key in this row.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn seal(&self, id: Uuid, text: &KeyText, entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        self.seal_text(id, text.reveal(), entropy)
    }

    /// Encrypts any text of this row.
    fn seal_text(&self, id: Uuid, text: &str, entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        let mut nonce = [0u8; NONCE];
        entropy.fill(&mut nonce)?;
        let payload = Payload { msg: text.as_bytes(), aad: id.as_bytes() };
        // The cipher refuses only what is longer than 256 GiB.
        let sealed = self.cipher().encrypt(&nonce.into(), payload).map_err(|_| EntropyError)?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Decrypts the text of the key in this row; `None` when it was sealed under another secret key, for another row, or is damaged.
    pub fn open(&self, id: Uuid, sealed: &[u8]) -> Option<KeyText> {
        KeyText::restored(self.open_text(id, sealed)?)
    }

    /// Decrypts any text of this row.
    fn open_text(&self, id: Uuid, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.strip_prefix(&[VERSION])?.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: id.as_bytes() };
        let text = self.cipher().decrypt(&(*nonce).into(), payload).ok()?;
        String::from_utf8(text).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.expose_secret().into())
    }
}

impl FromStr for SecretKey {
    type Err = NoSecretKey;

    fn from_str(text: &str) -> Result<Self, NoSecretKey> {
        let text = text.trim();
        let bytes = if text.len() == 2 * BYTES { hex(text) } else { base64(text) };
        let bytes = SecretBox::new(Box::new(bytes.ok_or(NoSecretKey)?));
        let key: [u8; BYTES] = bytes.expose_secret().as_slice().try_into().map_err(|_| NoSecretKey)?;
        Ok(Self(SecretBox::new(Box::new(key))))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Either alphabet of RFC 4648, with padding or without.
fn base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url = text.contains(['-', '_']);
    let alphabet = if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    GeneralPurpose::new(alphabet, config).decode(text).ok()
}

/// Secret keys at hand: the first one seals, each of them opens, so that one can be put in the place of another.
#[derive(Debug, Clone)]
pub struct SecretKeys(Arc<[SecretKey]>);

impl SecretKeys {
    /// These; `None` of none.
    pub(super) fn of(keys: Vec<SecretKey>) -> Option<Self> {
        (!keys.is_empty()).then(|| Self(keys.into()))
    }

    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Each in the form of a file, in order.
    pub(super) fn written(&self) -> Vec<String> {
        self.0.iter().map(SecretKey::written).collect()
    }

    /// Encrypts under the first one; see [`SecretKey::seal`].
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn seal(&self, id: Uuid, text: &KeyText, entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        self.0[0].seal(id, text, entropy)
    }

    /// Whether another one than the first opens it, and the first does not.
    pub fn is_old(&self, id: Uuid, sealed: &[u8]) -> bool {
        self.0[0].open_text(id, sealed).is_none() && self.open_text(id, sealed).is_some()
    }

    /// Decrypts with whichever opens it; `None` when none does.
    pub fn open(&self, id: Uuid, sealed: &[u8]) -> Option<KeyText> {
        self.0.iter().find_map(|key| key.open(id, sealed))
    }

    /// Encrypts a text that is no key, such as the secret of a webhook.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn seal_text(&self, id: Uuid, text: &str, entropy: &dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        self.0[0].seal_text(id, text, entropy)
    }

    /// Decrypts one with whichever opens it; `None` when none does.
    pub fn open_text(&self, id: Uuid, sealed: &[u8]) -> Option<SecretString> {
        self.0.iter().find_map(|key| key.open_text(id, sealed)).map(SecretString::from)
    }

    /// Encrypts what was sealed under any of these anew under the first; `None` of what none opens.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn again(
        &self,
        id: Uuid,
        sealed: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Option<Vec<u8>>, EntropyError> {
        let opened = self.open_text(id, sealed);
        opened.map(|text| self.seal_text(id, text.expose_secret(), entropy)).transpose()
    }
}

impl FromStr for SecretKeys {
    type Err = NoSecretKey;

    /// Reads keys with commas or line ends between them.
    fn from_str(text: &str) -> Result<Self, NoSecretKey> {
        let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
        let keys: Vec<SecretKey> = parts.map(str::parse).collect::<Result<_, _>>()?;
        Self::of(keys).ok_or(NoSecretKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::text::Kind, domain::clock::SystemEntropy};

    fn key(text: &str) -> SecretKey {
        text.parse().unwrap()
    }

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    #[test]
    fn what_is_sealed_opens_under_the_same_key_for_the_same_row_only() {
        let (one, two) = (key(ONE), SecretKey::draw(&SystemEntropy).unwrap());
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let text = KeyText::mint(Kind::Instance, &SystemEntropy).unwrap();
        let sealed = one.seal(id, &text, &SystemEntropy).unwrap();
        assert_eq!(one.open(id, &sealed).unwrap().reveal(), text.reveal());
        assert!(one.open(other, &sealed).is_none() && two.open(id, &sealed).is_none());
        assert_ne!(sealed, one.seal(id, &text, &SystemEntropy).unwrap(), "nonces are random");
        assert!(!sealed.windows(4).any(|part| text.reveal().as_bytes().windows(4).any(|own| own == part)));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(one.open(id, &damaged).is_none(), "byte {at}");
            assert!(one.open(id, &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn the_first_seals_and_each_opens() {
        let old: SecretKeys = ONE.parse().unwrap();
        let new: SecretKeys =
            format!("{}, {ONE}", SecretKey::draw(&SystemEntropy).unwrap().written()).parse().unwrap();
        let id = Uuid::from_u128(7);
        let text = KeyText::mint(Kind::EventStream, &SystemEntropy).unwrap();
        let before = old.seal(id, &text, &SystemEntropy).unwrap();
        assert_eq!(new.open(id, &before).unwrap().reveal(), text.reveal());
        let after = new.seal(id, &text, &SystemEntropy).unwrap();
        assert!(old.open(id, &after).is_none());
    }

    #[test]
    fn one_key_has_many_spellings() {
        let id = Uuid::from_u128(7);
        let text = KeyText::mint(Kind::Instance, &SystemEntropy).unwrap();
        let bytes = [0xfbu8; BYTES];
        let hex = "fb".repeat(BYTES);
        let padded = STANDARD.encode(bytes);
        let url = padded.replace('+', "-").replace('/', "_");
        assert!(padded.contains('+') && padded.ends_with('='), "{padded}");
        let sealed = key(&hex).seal(id, &text, &SystemEntropy).unwrap();
        for spelling in
            [&*padded, padded.trim_end_matches('='), &*url, url.trim_end_matches('='), &*format!(" {hex}\n")]
        {
            assert!(key(spelling).open(id, &sealed).is_some(), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in ["", " ", "short", &"0".repeat(62), &"zz".repeat(32), &STANDARD.encode([1u8; 33]), ","] {
            assert_eq!(text.parse::<SecretKeys>().unwrap_err(), NoSecretKey, "{text}");
        }
        assert_eq!(format!("{ONE},short").parse::<SecretKeys>().unwrap_err(), NoSecretKey);
        assert_eq!(format!("{:?}", key(ONE)), "SecretKey(…)");
    }
}
