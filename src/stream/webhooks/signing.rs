//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>, version 1.0.0): HMAC-SHA-256 over the id, the second and the
//! body, with a secret of 32 bytes that the receiver has too.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::domain::clock::{Entropy, EntropyError};

/// Bytes of a secret that is made here.
const BYTES: usize = 32;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// The secret of an endpoint. Its `Debug` is silent.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Draws a new one.
    ///
    /// # Errors
    /// [`EntropyError`] when the generator fails.
    pub fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = vec![0u8; BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Reads its text; `None` of any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        // The standard takes from 24 to 64 bytes.
        (24..=64).contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// Its text, for the one answer that shows it: `whsec_` and base64 with padding.
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0.expose_secret()))
    }

    /// The signature of one message and attempt, such as `v1,g0hM9SsE…`.
    fn sign(&self, id: &str, second: i64, body: &[u8]) -> Option<String> {
        // A key of any length is taken.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(format!("{id}.{second}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The value of `webhook-signature`: one signature for each secret, the newest first, with spaces between them.
pub fn header(secrets: &[Secret], id: &str, second: i64, body: &[u8]) -> String {
    let signed: Vec<String> = secrets.iter().filter_map(|secret| secret.sign(id, second, body)).collect();
    signed.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemEntropy;

    /// From the specification's own text, and the tests of its reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_published_vector_comes_out() {
        let secret = Secret::parse(SECRET).unwrap();
        let signed =
            header(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_drawn_with_32_bytes_and_comes_back_from_its_text() {
        let one = Secret::draw(&SystemEntropy).unwrap();
        let text = one.text();
        assert_eq!((text.len(), &text[..6], text.ends_with('=')), (6 + 44, "whsec_", true));
        assert_eq!(Secret::parse(&text).unwrap().text(), text);
        assert_ne!(Secret::draw(&SystemEntropy).unwrap().text(), text);
        assert_eq!(format!("{one:?}"), "Secret(…)");
        for other in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
            assert!(Secret::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn two_secrets_make_two_signatures() {
        let (one, two) = (Secret::parse(SECRET).unwrap(), Secret::draw(&SystemEntropy).unwrap());
        let both = header(&[two.clone(), one.clone()], "msg_1", 7, b"{}");
        let parts: Vec<&str> = both.split(' ').collect();
        assert_eq!(parts, [header(&[two], "msg_1", 7, b"{}"), header(&[one], "msg_1", 7, b"{}")]);
    }
}
