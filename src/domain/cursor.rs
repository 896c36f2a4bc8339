//! A position of the outbound stream, and its opaque text.

/// A place in the one order of a project's stream. Compares in stream order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Which run of the database's transaction counter `tx` belongs to.
    pub epoch: u32,
    /// The transaction that wrote the item (PostgreSQL `xid8`).
    pub tx: u64,
    /// The item's number inside that order.
    pub id: u64,
}

/// Why a text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Wrong length, or letters outside the alphabet.
    #[error("is not a cursor; send one exactly as the stream gave it")]
    Malformed,
    /// The checksum does not match: cut, typed or forged.
    #[error("is damaged; send the cursor exactly as the stream gave it")]
    Checksum,
    /// Made by a server that writes cursors in another way.
    #[error("was made by another version of the server; start again without it")]
    Version,
}

/// Version, epoch, tx, id, CRC-32.
const BYTES: usize = 1 + 4 + 8 + 8 + 4;
const VERSION: u8 = 1;
/// RFC 4648, section 5, without padding: safe in a URL, a header and an SSE `id:` line.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Cursor {
    /// The opaque text: 34 letters of base64url.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.tx.to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        write_base64(&bytes)
    }

    /// Reads what [`Cursor::encode`] wrote. Every cursor has exactly one text.
    ///
    /// # Errors
    /// [`CursorError`]; the checksum is judged before the version, so that a forged version reads as damage.
    pub fn decode(text: &str) -> Result<Self, CursorError> {
        let bytes: [u8; BYTES] = read_base64(text).ok_or(CursorError::Malformed)?;
        let (body, sum) = bytes.split_at(BYTES - 4);
        if crc32fast::hash(body).to_be_bytes() != sum {
            return Err(CursorError::Checksum);
        }
        if body[0] != VERSION {
            return Err(CursorError::Version);
        }
        let number = |from: usize, to: usize| body[from..to].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let epoch = u32::try_from(number(1, 5)).map_err(|_| CursorError::Malformed)?;
        Ok(Self { epoch, tx: number(5, 13), id: number(13, 21) })
    }
}

/// How many letters so many bytes take; the last may have spare bits.
const fn letters(bytes: usize) -> usize {
    (bytes * 8).div_ceil(6)
}

/// Base64url without padding.
pub(super) fn write_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(letters(bytes.len()));
    let (mut pool, mut bits) = (0u32, 0u32);
    for byte in bytes {
        pool = pool << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 6 {
            bits -= 6;
            text.push(char::from(ALPHABET[(pool >> bits & 63) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(pool << (6 - bits) & 63) as usize]));
    }
    text
}

/// The bytes, or nothing when a letter, the length or the spare bits are wrong.
pub(super) fn read_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != letters(N) {
        return None;
    }
    let mut bytes = [0u8; N];
    let (mut pool, mut bits, mut filled) = (0u32, 0u32, 0usize);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        pool = pool << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(filled)? = (pool >> bits & 255) as u8;
            filled += 1;
        }
    }
    // A second spelling of the same position would make two texts of one cursor.
    (pool & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Cursor { epoch: 0, tx: 0, id: 0 })]
    #[case(Cursor { epoch: 7, tx: 123_456_789, id: 42 })]
    #[case(Cursor { epoch: u32::MAX, tx: u64::MAX, id: u64::MAX })]
    fn a_cursor_comes_back(#[case] cursor: Cursor) {
        let text = cursor.encode();
        assert_eq!(text.len(), 34);
        assert_eq!(Cursor::decode(&text), Ok(cursor));
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let text = Cursor { epoch: 1, tx: 2, id: 3 }.encode();
        for at in 0..text.len() {
            for letter in ALPHABET {
                let mut forged = text.clone().into_bytes();
                if forged[at] == *letter {
                    continue;
                }
                forged[at] = *letter;
                assert!(Cursor::decode(std::str::from_utf8(&forged).unwrap()).is_err());
            }
        }
    }

    #[rstest::rstest]
    #[case("")]
    #[case("AQ")]
    #[case("éééééééééééééééééé")]
    #[case("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    fn other_texts_are_malformed(#[case] text: &str) {
        assert_eq!(Cursor::decode(text), Err(CursorError::Malformed));
    }

    #[test]
    fn another_version_is_told_apart() {
        let mut bytes = vec![2u8; BYTES - 4];
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        assert_eq!(Cursor::decode(&write_base64(&bytes)), Err(CursorError::Version));
    }

    #[test]
    fn the_order_is_epoch_then_transaction_then_id() {
        let low = Cursor { epoch: 1, tx: 9, id: 9 };
        assert!(low < Cursor { epoch: 2, tx: 0, id: 0 });
        assert!(low > Cursor { epoch: 1, tx: 8, id: 99 });
    }
}
