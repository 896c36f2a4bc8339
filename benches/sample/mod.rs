//! The batches that `micro` and `instructions` take apart: fixed, so that figures of two days can be compared.
//!
//! An event is one of the catalogue's, with four parameters, of 239 bytes; a contact has six attributes, of 173 bytes. What is
//! measured of them is here as well, so that a changed call is changed once.

use std::{fmt::Write, hint::black_box};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use tidegate::{
    domain::{
        batch::{Batch, Rules},
        caps::Caps,
        catalogue::Catalogue,
        contact::ContactDraft,
        event::EventDraft,
        ids::Inlet,
    },
    ingest::EventRows,
};

/// The server's time, half an hour after that of the events.
const NOW: Timestamp = Timestamp::constant(1_795_687_200, 0);

/// Where everything lands.
const INLET: Inlet = Inlet { project: 1, datasource: 2 };

/// A body of `items` events.
pub fn events(items: usize) -> String {
    body(items, |text, n| {
        write!(
            text,
            r#"{{"_user_id":"user-{n:08}","_event_id":"0192f3a1-7c1e-7b2a-9d10-{n:012x}","_event_type":"purchase","_event_date":"2026-11-26T09:30:{:02}.250Z","_event_parameters":{{"order_id":"{n:08}","amount":"{}.50","currency":"EUR","channel":"web"}}}}"#,
            n % 60,
            10 + n % 90
        )
    })
}

/// A body of `items` contacts.
pub fn contacts(items: usize) -> String {
    body(items, |text, n| {
        write!(
            text,
            r#"{{"_user_id":"user-{n:08}","_email":"user-{n:08}@example.org","_first_name":"Ada","_last_name":"Lovelace","_phone_mobile":"+34600{n:06}","_city":"Madrid","_country":"ES"}}"#
        )
    })
}

fn body(items: usize, item: impl Fn(&mut String, usize) -> std::fmt::Result) -> String {
    let mut text = String::from("[");
    for n in 0..items {
        if n > 0 {
            text.push(',');
        }
        // Writing to a String does not fail.
        let _ = item(&mut text, n);
    }
    text + "]"
}

/// What bodies are judged by.
pub struct Judge {
    caps: Caps,
}

impl Judge {
    /// The limits and the catalogue that a server starts with.
    pub fn new() -> Self {
        Self { caps: Caps::default() }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            caps: &self.caps,
            catalogue: Catalogue::builtin(),
            strict: false,
            default_country: None,
            now: NOW,
        }
    }

    /// Parses and validates a body of events.
    pub fn events(&self, body: &str) -> Result<Batch<EventDraft>> {
        Batch::parse(INLET, body.as_bytes(), &self.rules()).context("a body of events")
    }

    /// Parses and validates a body of contacts.
    pub fn contacts(&self, body: &str) -> Result<Batch<ContactDraft>> {
        Batch::parse(INLET, body.as_bytes(), &self.rules()).context("a body of contacts")
    }

    /// All that a body of events goes through before its rows are sent: parse, validate, encode.
    pub fn prepare(&self, body: &str) -> Result<()> {
        let batch = self.events(body)?;
        let rows: EventRows = batch.items.iter().filter_map(|item| item.verdict.as_ref().ok()).collect();
        black_box(rows);
        Ok(())
    }

    /// Makes sure that the samples are what they are meant to be: a batch of refusals would be measured as gladly.
    pub fn check(&self) -> Result<()> {
        let (events, contacts) = (self.events(&events(100))?, self.contacts(&contacts(100))?);
        ensure!(events.accepted() == 100, "an event is refused: {:?}", events.items[0].verdict);
        ensure!(contacts.accepted() == 100, "a contact is refused: {:?}", contacts.items[0].verdict);
        Ok(())
    }
}
