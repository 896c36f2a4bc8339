//! Where a page of a list ends, and its opaque text.

use super::cursor::{read_base64, write_base64};

/// A list that is read in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Keys; a place is the row of a key.
    Keys,
    /// The audit; a place is the number of a line.
    Audit,
    /// Webhooks; a place is the row of one.
    Webhooks,
    /// The attempts for a webhook; a place is the number of one.
    Deliveries,
    /// The messages to a webhook that were given up; a place is the number of one.
    DeadLetters,
}

impl List {
    /// Tells the marks of one list from those of another; never given a second meaning.
    const fn tag(self) -> u8 {
        match self {
            Self::Keys => 1,
            Self::Audit => 2,
            Self::Webhooks => 3,
            Self::Deliveries => 4,
            Self::DeadLetters => 5,
        }
    }
}

/// The list, the place, CRC-32: 21 bytes, which are 28 letters without a spare bit.
const BYTES: usize = 1 + 16 + 4;

/// The opaque text of a place in a list: 28 letters of base64url.
pub fn encode(list: List, place: u128) -> String {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(list.tag());
    bytes.extend(place.to_be_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    write_base64(&bytes)
}

/// Reads what [`encode`] wrote for this list; `None` for anything else: cut, typed, forged, or of another list.
pub fn decode(list: List, text: &str) -> Option<u128> {
    let bytes: [u8; BYTES] = read_base64(text)?;
    let (body, sum) = bytes.split_at(BYTES - 4);
    let whole = crc32fast::hash(body).to_be_bytes() == sum && body[0] == list.tag();
    whole.then(|| body[1..].iter().fold(0, |place, byte| place << 8 | u128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_to_its_own_list_only() {
        for place in [0, 1, u128::from(u64::MAX), u128::MAX] {
            let text = encode(List::Keys, place);
            assert_eq!((text.len(), decode(List::Keys, &text)), (28, Some(place)));
            assert_eq!(decode(List::Audit, &text), None);
        }
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let text = encode(List::Audit, 42);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(decode(List::Audit, std::str::from_utf8(&forged).unwrap()), None, "letter {at}");
        }
        assert_eq!((decode(List::Audit, ""), decode(List::Audit, &text[1..])), (None, None));
    }
}
