//! The claim on an event's id, and the word by which a sender can audit what was stored.

use sha2::{Digest, Sha256};

/// The key under which an event id is claimed: the first 16 bytes of SHA-256 over the datasource's number
/// (64 bits, big-endian) followed by the id. 128 bits keep the index small; a chance collision needs about 2⁶⁴ ids.
pub fn claim(datasource: i64, event_id: &str) -> [u8; 16] {
    let digest = Sha256::new().chain_update(datasource.to_be_bytes()).chain_update(event_id).finalize();
    first(&digest)
}

/// The first 8 bytes, big-endian, of SHA-256 of an event id or a user id. A lot stores the sum of these words modulo 2⁶⁴,
/// so a sender can prove that exactly its ids arrived, without listing them.
pub fn audit_word(id: &str) -> u64 {
    u64::from_be_bytes(first(&Sha256::digest(id)))
}

/// The first `N` bytes of a digest; those that it lacks are zero.
pub(super) fn first<const N: usize>(digest: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_depend_on_datasource_and_id() {
        assert_ne!(claim(1, "a"), claim(2, "a"));
        assert_ne!(claim(1, "a"), claim(1, "b"));
        assert_eq!(claim(1, "a"), claim(1, "a"));
    }

    #[test]
    fn the_audit_word_is_the_head_of_sha_256() {
        // FIPS 180-2, appendix B.1: SHA-256("abc") begins with ba7816bf 8f01cfea.
        assert_eq!(audit_word("abc"), 0xba78_16bf_8f01_cfea);
    }
}
