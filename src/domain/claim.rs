//! The claim on an event's id, and the word by which a sender can audit what was stored.

use sha2::{Digest as _, Sha256};

/// SHA-256 of an event id, from which both are taken, or of a contact's user id, for the audit.
#[derive(Debug, Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digests an id.
    pub fn of(id: &str) -> Self {
        Self(Sha256::digest(id).into())
    }

    /// The key under which the id is claimed in its datasource: the first 16 bytes. 128 bits keep the index small; a chance
    /// collision needs about 2⁶⁴ ids of one datasource.
    pub fn claim(&self) -> [u8; 16] {
        first(&self.0)
    }

    /// The first 8 bytes, big-endian. A lot stores the sum of these words modulo 2⁶⁴, so a sender can prove that exactly its
    /// ids arrived, without listing them.
    pub fn audit_word(&self) -> u64 {
        u64::from_be_bytes(first(&self.0))
    }
}

/// The first `N` bytes of a digest; those that it lacks are zero.
pub(super) fn first<const N: usize>(digest: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_and_audit_word_are_the_head_of_sha_256() {
        // FIPS 180-2, appendix B.1: SHA-256("abc") begins with ba7816bf 8f01cfea 414140de 5dae2223.
        let digest = Digest::of("abc");
        assert_eq!(digest.claim(), 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223_u128.to_be_bytes());
        assert_eq!(digest.audit_word(), 0xba78_16bf_8f01_cfea);
    }
}
