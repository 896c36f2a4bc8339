//! The log: how a row of it is written for binary `COPY`, and how a lot's rows are sent.
//!
//! What a sender says is encoded once, where its batch was parsed: the tail of a row. The head, which only its lot knows, is put
//! before it when the lot is sent.

use bytes::{BufMut, BytesMut};
use jiff::Timestamp;

use super::{StoreError, lane::Statements, wire::Flight};
use crate::domain::ids::Inlet;

/// What a row of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event that a client sent.
    Event,
    /// A change of a contact.
    Contact,
}

impl Kind {
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::Event => b'e',
            Self::Contact => b'c',
        }
    }
}

/// What a row of the log says.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// When it happened, by the sender's word.
    pub occurred_at: Timestamp,
    /// Event or change of a contact.
    pub kind: Kind,
    /// The event type, or `contact.created` and its like.
    pub event_type: &'a str,
    /// The contact.
    pub user_id: &'a str,
    /// The sender's id of the event; a change of a contact has none.
    pub event_id: Option<&'a str>,
    /// A JSON object: the parameters, or the fields that changed.
    pub parameters: &'a str,
}

/// Fields of a row, as `sql/events_copy.sql` names them.
const FIELDS: i16 = 10;

/// Bytes of a head: the number of fields, and four numbers with their lengths.
const HEAD: usize = 2 + 4 * 12;

/// Bytes of a tail beside its texts: lengths, a time and a letter.
const TAIL: usize = 6 * 4 + 8 + 1;

/// Appends the tail of a row.
pub fn encode(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let texts = entry.event_type.len() + entry.user_id.len() + entry.parameters.len();
    out.reserve(TAIL + texts + entry.event_id.map_or(0, str::len));
    big(time(entry.occurred_at), out);
    text(&[entry.kind.letter()], out);
    text(entry.event_type.as_bytes(), out);
    text(entry.user_id.as_bytes(), out);
    match entry.event_id {
        Some(id) => text(id.as_bytes(), out),
        None => out.put_i32(-1),
    }
    text(entry.parameters.as_bytes(), out);
}

/// Sends rows, each with its inlet and its tail, under the next id from `first_id` on. The answer is still to be awaited.
///
/// # Errors
/// As [`Flight::copy`]. The answer: a check violation of table `event` means that a partition is missing.
pub fn append<'r>(
    flight: &mut Flight<'_>,
    statements: &Statements,
    first_id: i64,
    rows: impl Iterator<Item = (Inlet, &'r [u8])>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let received_at = time(now);
    flight.copy(&statements.events_copy, |out: &mut BytesMut| {
        for (id, (inlet, tail)) in (first_id..).zip(rows) {
            out.reserve(HEAD + tail.len());
            out.put_i16(FIELDS);
            big(id, out);
            big(received_at, out);
            big(inlet.project, out);
            big(inlet.datasource, out);
            out.put_slice(tail);
        }
    })
}

pub(super) fn big(value: i64, out: &mut impl BufMut) {
    out.put_i32(8);
    out.put_i64(value);
}

pub(super) fn text(bytes: &[u8], out: &mut impl BufMut) {
    // No text is longer than a body may be.
    out.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    out.put_slice(bytes);
}

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// A time as PostgreSQL sends it.
pub(super) fn time(at: Timestamp) -> i64 {
    at.as_microsecond() - EPOCH
}
