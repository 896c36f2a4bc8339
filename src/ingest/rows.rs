//! The valid events of one batch, as the log will hold them: encoded once, where they were parsed, and copied whole into the lot
//! that takes them.

use uuid::Uuid;

use crate::{
    domain::{claim::Digest, event::EventDraft, ids::Inlet},
    store::{
        log::{self, Kind},
        lots::{ClaimKey, Content},
    },
};

/// Encoded events, in the order of their batch.
#[derive(Debug, Clone, Default)]
pub struct EventRows {
    bytes: Vec<u8>,
    events: Vec<EncodedEvent>,
}

/// What a lot has to know of an event beside its row.
#[derive(Debug, Clone, Copy)]
pub(super) struct EncodedEvent {
    pub(super) claim: Uuid,
    pub(super) content: Content,
    /// The first 8 bytes of SHA-256 of its id.
    pub(super) audit_word: u64,
    /// Where the tail of its row ends.
    end: usize,
}

impl EncodedEvent {
    /// The claim that it makes where it goes.
    pub(super) fn key(&self, inlet: Inlet) -> ClaimKey {
        ClaimKey { datasource: inlet.datasource, claim: self.claim }
    }
}

impl EventRows {
    /// Makes room for so many events, whose texts come to so many bytes.
    pub fn with_capacity(events: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes + events * 96), events: Vec::with_capacity(events) }
    }

    /// Encodes one more event of the batch.
    pub fn push(&mut self, event: &EventDraft) {
        let entry = log::Entry {
            occurred_at: event.occurred_at,
            kind: Kind::Event,
            event_type: &event.event_type,
            user_id: &event.user_id,
            event_id: Some(&event.event_id),
            parameters: &event.parameters,
        };
        log::encode(&entry, &mut self.bytes);
        let digest = Digest::of(&event.event_id);
        self.events.push(EncodedEvent {
            claim: Uuid::from_bytes(digest.claim()),
            content: Content {
                hash: Uuid::from_bytes(event.content),
                given_date: event.date_given.then_some(event.occurred_at),
            },
            audit_word: digest.audit_word(),
            end: self.bytes.len(),
        });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn events(&self) -> &[EncodedEvent] {
        &self.events
    }

    /// The encoded tail of an event's row.
    pub(super) fn row(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.events[before].end);
        &self.bytes[start..self.events[at].end]
    }
}

impl<'e> FromIterator<&'e EventDraft> for EventRows {
    fn from_iter<I: IntoIterator<Item = &'e EventDraft>>(events: I) -> Self {
        let mut rows = Self::default();
        events.into_iter().for_each(|event| rows.push(event));
        rows
    }
}
